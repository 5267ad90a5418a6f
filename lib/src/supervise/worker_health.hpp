// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Whether any worker gets on with its work, decided from what they publish.

#include <cstdint>
#include <map>
#include <span>

#include "supervise/fleet_actions.hpp"

namespace spawning {

/// What a worker that serves has published by now.
struct WorkerProgress {
  WorkerId worker = 0;
  std::uint64_t answers = 0;  ///< so far
  std::uint64_t queued = 0;   ///< requests that wait for a thread
};

/// Looks are compared with the ones before. \par Threads  A value; one thread at a time.
class WorkerHealth {
 public:
  /// Whether one of them, at least, is not stuck: nothing waits in it, or it has answered something
  /// since the last look, or this is the first look at it.
  /// \param serving  all that serve; none: nobody is healthy.
  [[nodiscard]] bool look(std::span<const WorkerProgress> serving);

 private:
  std::map<WorkerId, std::uint64_t> answers_;  // at the last look
};

}  // namespace spawning
