// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Telling people what is wrong with a worker, and what follows from it.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/message.hpp"
#include "spawning/bytes.hpp"
#include "spawning/log.hpp"
#include "spawning/running_requests.hpp"
#include "supervise/fleet_actions.hpp"

namespace spawning {

/// What a worker has used when it is to be replaced for it.
struct WorkerUsage {
  std::chrono::milliseconds served{0};
  std::uint64_t requests = 0;
  Bytes memory{0};
  Bytes total{0};  ///< of all workers, if that is what there is too much of
};

/// What is known of a worker for people's sake.
struct WorkerDescription {
  unsigned slot = 0;
  std::uint64_t generation = 0;
  pid_t pid = 0;                            ///< 0 if it could not be started
  std::optional<control::Failed> failure;   ///< what it said
  std::optional<control::Overdue> overdue;  ///< what it said
  WorkerUsage usage;                        ///< when it is to be replaced
  std::string end;     ///< how it ended: "was killed by SIGKILL"; "" while it lives
  std::string lost{};  ///< words_of_lost() what it worked on then

  /// "worker 2 (pid 4711)".
  [[nodiscard]] std::string name() const;
};

/// "10 s", "1500 ms".
[[nodiscard]] std::string in_words(std::chrono::milliseconds time);

/// "GET /report from 192.0.2.1:4711 (for 1.5 s) and 2 more requests"; "" if there are none. Those that
/// came last are first: a crash is most often of such a one.
[[nodiscard]] std::string words_of_lost(std::vector<ListedRequest> running,
                                        std::chrono::steady_clock::time_point now);

/// Whether it ends a generation that was asked for: then it comes once for each.
[[nodiscard]] bool is_verdict(Consequence consequence);

/// What a worker is replaced for, as a clause about it: "has served for 30 s".
[[nodiscard]] std::string what_happened(const action::Replacing& replacing,
                                        const WorkerDescription& worker);

/// What is wrong with a worker, as a clause about it: "was killed by SIGKILL".
[[nodiscard]] std::string what_happened(const action::Report& report,
                                        const WorkerDescription& worker,
                                        std::chrono::milliseconds boot_timeout);

/// One line: what is wrong, and what follows from it.
[[nodiscard]] std::string describe(const action::Report& report, const WorkerDescription& worker,
                                   std::chrono::milliseconds boot_timeout);

/// What belongs below that line, "" if nothing does.
[[nodiscard]] std::string traceback_of(const action::Report& report,
                                       const WorkerDescription& worker);

/// Writes one line.
void log_replacement(const Log& log, const action::Replacing& replacing,
                     const WorkerDescription& worker);

}  // namespace spawning
