// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Telling people what is wrong with a worker, and what follows from it.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "control/message.hpp"
#include "spawning/log.hpp"
#include "supervise/fleet_actions.hpp"

namespace spawning {

/// What is known of a worker for people's sake.
struct WorkerDescription {
  unsigned slot = 0;
  std::uint64_t generation = 0;
  pid_t pid = 0;                            ///< 0 if it could not be started
  std::optional<control::Failed> failure;   ///< what it said
  std::optional<control::Overdue> overdue;  ///< what it said
  std::string end;  ///< how it ended: "was killed by SIGKILL"; "" while it lives

  /// "worker 2 (pid 4711)".
  [[nodiscard]] std::string name() const;
};

/// Writes one line, and the traceback if there is one and it is new.
void log_trouble(const Log& log, const action::Report& report, const WorkerDescription& worker,
                 std::chrono::milliseconds boot_timeout);

/// Writes one line.
void log_replacement(const Log& log, const action::Replacing& replacing,
                     const WorkerDescription& worker);

}  // namespace spawning
