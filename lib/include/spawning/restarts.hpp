// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Which workers were replaced, and why.

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "spawning/export.hpp"

namespace SPAWNING_EXPORT spawning {

/// One worker that was replaced, or that did not get ready.
struct Restart {
  using WallTime = std::chrono::system_clock::time_point;

  WallTime time;
  unsigned slot = 0;
  std::uint64_t generation = 0;
  pid_t pid = 0;        ///< 0 if it could not be started
  std::string reason;   ///< "death", "overdue", "age", "requests", "memory"; "start": not ready
  std::string summary;  ///< "was killed by SIGKILL", "served 10,000 requests"
};

/// All of them counted, the latest ones kept. A value.
struct Restarts {
  static constexpr std::size_t kMost = 20;  ///< that are kept

  std::map<std::string, std::uint64_t> counts;  ///< by reason
  std::deque<Restart> latest;                   ///< newest last

  /// A worker was replaced.
  void add(Restart restart);
  /// A worker did not get ready. It never served, so it is kept but not counted.
  void add_failed_start(Restart restart);
};

}  // namespace spawning
