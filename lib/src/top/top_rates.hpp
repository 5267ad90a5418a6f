// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What happens in a second, from what has been counted.

#include <optional>
#include <vector>

#include "spawning/observed_status.hpp"

namespace spawning {

/// Of one worker.
struct WorkerRates {
  double cpu_percent = 0;  ///< 100: one processor
  double answers = 0;      ///< a second
};

/// Between two samples.
struct TopRates {
  bool since_start = true;  ///< rather than since the sample before
  double answers = 0, server_errors = 0, refused = 0, timed_out = 0, body_octets = 0;  ///< a second
  double cpu_percent = 0;            ///< of all workers
  std::vector<WorkerRates> workers;  ///< as in the sample

  /// Half of the requests, and 99 of 100, took at most so many seconds, as exactly as buckets tell:
  /// their upper bounds. Infinite in the last one. None: there were no requests.
  std::optional<double> median, percentile_99;
};

/// The rates from `before` to `now`; since the start, if there is no sample before, or it is of another
/// service (or of one that has been started anew).
[[nodiscard]] TopRates rates_of(const ObservedStatus& now, const ObservedStatus* before);

}  // namespace spawning
