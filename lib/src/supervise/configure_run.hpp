// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// One run of a Configurator's program.

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "control/message.hpp"
#include "spawning/asio.hpp"
#include "spawning/configurator.hpp"

namespace spawning {

/// Runs the program and collects what it says.
///
/// \par Threads   Everything runs on the thread that runs the context.
/// \par Lifetime  The context outlives it. The destructor ends a run that is under way; `done` is not
///                called after it has begun.
class ConfigureRun {
 public:
  static constexpr std::size_t kMostOutput = std::size_t{1} << 20;

  /// Its output, or why there is none.
  using Outcome = std::variant<std::string, control::Failed>;

  /// \param done  called once, never from inside. May destroy *this.
  /// \throws std::system_error if the program cannot be executed.
  ConfigureRun(IoContext& context, const Configurator& configurator,
               std::function<void(Outcome)> done);
  ~ConfigureRun();

  ConfigureRun(const ConfigureRun&) = delete;
  ConfigureRun& operator=(const ConfigureRun&) = delete;

  [[nodiscard]] pid_t pid() const;

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with operations of the context
};

}  // namespace spawning
