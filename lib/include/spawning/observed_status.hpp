// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What another process reads from a /status.json.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "spawning/export.hpp"

namespace SPAWNING_EXPORT spawning {

/// One worker.
struct WorkerSample {
  std::uint64_t slot = 0, pid = 0, generation = 0;
  std::string state;                    ///< "loading", "serving", "draining"
  double uptime = 0, cpu_seconds = 0;   ///< in seconds
  std::optional<std::uint64_t> memory;  ///< in octets; none: not measured
  std::uint64_t answers = 0;            ///< so far
  std::uint64_t connections = 0, running = 0, queued = 0;
};

/// A request that an application thread works on.
struct RequestSample {
  std::string method, path, client;
  bool path_cut = false;     ///< there was more of it
  std::uint64_t worker = 0;  ///< its slot
  double age = 0;            ///< in seconds
};

/// How a generation came, and what became of it.
struct ReloadSample {
  std::uint64_t generation = 0;
  std::string cause, verdict, summary, traceback;
  std::optional<double> age;  ///< since it ended or, if it has not, began; in seconds
};

/// How a service was at one moment. A value. Counters grow from `started_at` on.
struct ObservedStatus {
  std::string version, phase, started_at;
  std::uint64_t pid = 0;
  double uptime = 0;  ///< in seconds
  std::uint64_t generation = 0;
  std::uint64_t ready = 0, wanted = 0;                     ///< workers
  std::uint64_t running = 0, queued = 0, connections = 0;  ///< now
  std::uint64_t answers = 0, server_errors = 0, refused = 0, timed_out = 0, body_octets = 0;
  std::vector<double> duration_bounds;            ///< of buckets, in seconds; ascending
  std::vector<std::uint64_t> duration_counts;     ///< one more than bounds, or none
  std::map<std::string, std::uint64_t> restarts;  ///< by reason
  std::vector<WorkerSample> workers;
  std::optional<std::vector<RequestSample>>
      requests;  ///< oldest first; none: the server does not say
  std::optional<ReloadSample> last_reload, last_failure;
};

/// Reads a /status.json, of any version of the server: what is missing, or of another type, counts
/// as 0 or empty, and what is not known is passed over. Otherwise says in a few words what `text` is:
/// no JSON, or none of a status.
[[nodiscard]] std::variant<ObservedStatus, std::string> parse_status(std::string_view text);

}  // namespace spawning
