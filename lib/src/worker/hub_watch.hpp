// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Noticing that the hub of greenlets is kept from its work.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <utility>

#include "spawning/green_pool.hpp"
#include "spawning/log.hpp"

namespace spawning {

/// Asks the hub for a sign of life while requests run, and says when it gives none for too long: one
/// of its greenlets computes, or waits in something that knows nothing of greenlets, and all others
/// wait for it. Once a stall, however long that is. That it is asked while calls wait also has it start
/// greenlets for them, should somebody have ended those that it has started before they began.
///
/// \par Threads   I/O thread.
/// \par Lifetime  What it is given outlives it.
class HubWatch {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  /// \param limit   for a sign of life; zero: nothing is watched.
  /// \param stalls  counts them.
  HubWatch(GreenPool& pool, std::chrono::milliseconds limit, const Log& log,
           std::atomic<std::uint64_t>& stalls)
      : pool_{pool}, limit_{limit}, log_{log}, stalls_{stalls} {}

  /// Called for each stall, for who can say what the hub is stuck in.
  void on_stall(std::function<void(Duration)> callback) { on_stall_ = std::move(callback); }

  /// To be called a few times a second while there are connections, and while it returns true: the
  /// hub is stalled, and that it gets on again is to be said then, whoever has left meanwhile.
  bool look(Time now);

 private:
  GreenPool& pool_;
  const std::chrono::milliseconds limit_;
  const Log& log_;
  std::atomic<std::uint64_t>& stalls_;
  std::function<void(Duration)> on_stall_;
  bool stalled_ = false;
  Time since_{};
};

}  // namespace spawning
