// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// How a supervised service is, at one moment.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "spawning/bytes.hpp"
#include "spawning/export.hpp"
#include "spawning/reload_history.hpp"
#include "spawning/restarts.hpp"
#include "spawning/tally.hpp"

namespace SPAWNING_EXPORT spawning {

/// What a supervised service is about to do.
enum class ServicePhase : std::uint8_t {
  starting,  ///< its first generation does not serve yet, or not all of it
  serving,
  stopping,
};

/// "starting", "serving", "stopping".
[[nodiscard]] const char* to_string(ServicePhase phase);

/// One worker process.
struct WorkerReport {
  using WallTime = std::chrono::system_clock::time_point;

  unsigned slot = 0;
  pid_t pid = 0;
  std::uint64_t generation = 0;
  bool serves = false;    ///< otherwise it loads…
  bool draining = false;  ///< …or is on its way out
  WallTime started;
  std::uint64_t connections = 0;       ///< open now
  std::uint64_t running = 0;           ///< requests in application threads
  std::uint64_t queued = 0;            ///< requests that wait for one
  std::uint64_t answers = 0;           ///< so far
  std::optional<Bytes> memory;         ///< \see memory_of; none: not measured
  std::chrono::milliseconds cpu{0};    ///< user and system time so far
  std::chrono::nanoseconds oldest{0};  ///< of the running requests; 0: none

  [[nodiscard]] const char* state() const;  ///< "loading", "serving", "draining"
};

/// A request in an application thread. \see ListedRequest
struct RunningReport {
  std::string method;
  std::string path;       ///< octets as they were sent, which may be no UTF-8
  bool path_cut = false;  ///< there was more of it
  std::string client;
  pid_t pid = 0;
  unsigned slot = 0;
  std::uint64_t generation = 0;
  unsigned thread = 0;              ///< of its worker, from 0 on
  std::chrono::nanoseconds age{0};  ///< since work on it began
};

/// A value; times are wall-clock.
struct StatusReport {
  using WallTime = WorkerReport::WallTime;

  std::string version;
  pid_t pid = 0;  ///< the supervisor's
  WallTime now, started;
  ServicePhase phase = ServicePhase::starting;
  std::uint64_t generation = 0;  ///< that serves, or is to
  unsigned wanted = 0;           ///< workers
  std::vector<WorkerReport> workers;
  std::vector<RunningReport> running;  ///< of all workers, the oldest first
  Tally totals;
  std::map<std::string, std::uint64_t> restarts;       ///< of workers, by reason
  std::deque<Restart> recent_restarts;                 ///< the latest ones, newest last
  std::map<std::string, std::uint64_t> reload_counts;  ///< by verdict
  std::deque<Reload> reloads;                          ///< the latest ones, newest last
  std::string configuration = "{}";                    ///< JSON

  [[nodiscard]] unsigned ready() const;  ///< workers that serve
};

/// What of it makes a history. \see StatusHistory
struct StatusSample {
  Tally totals;
  std::uint64_t connections = 0, running = 0, queued = 0;  ///< of all workers
  std::optional<Bytes> memory;  ///< of all workers; none unless all have been measured
};

}  // namespace spawning
