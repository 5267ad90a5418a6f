// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Measuring what workers use.

#include <sys/types.h>

#include <functional>
#include <memory>
#include <vector>

#include "spawning/asio.hpp"
#include "spawning/log.hpp"
#include "spawning/scoreboard.hpp"
#include "supervise/recycling.hpp"
#include "supervise/trouble_report.hpp"

namespace spawning {

/// Looks once in a while at what workers use, and says which are to be replaced for it. Where
/// nothing is limited it causes no wake-up.
///
/// \par Threads   Everything runs on the thread that runs the context.
/// \par Lifetime  What it is made of outlives it. No callback is called after stop(), or after the
///                destructor has begun.
class UsageWatch {
 public:
  /// A worker process that lives.
  struct Subject {
    WorkerId worker = 0;
    pid_t pid = 0;
    unsigned slot = 0;
    bool serves = false;
  };
  struct Callbacks {
    std::function<std::vector<Subject>()> subjects;
    std::function<void(WorkerId, ReplaceReason, const WorkerUsage&)> replace;
  };

  UsageWatch(IoContext& context, const ReplacementLimits& limits, const Scoreboard& scoreboard,
             const Log& log, Callbacks callbacks);
  ~UsageWatch();

  UsageWatch(const UsageWatch&) = delete;
  UsageWatch& operator=(const UsageWatch&) = delete;

  void start();
  /// Goes on with what `policy` knows of the workers.
  void go_on_from(Recycling policy);
  [[nodiscard]] const Recycling& policy() const;
  /// This worker begins to serve.
  void begins(WorkerId worker, pid_t pid);
  void stop();

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with the timer's handler
};

}  // namespace spawning
