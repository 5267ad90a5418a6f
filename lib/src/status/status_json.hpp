// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The status for programs: JSON.

#include <string>

#include "spawning/status_report.hpp"
#include "status/status_history.hpp"

namespace spawning {

/// Spawning's names and ours. Times are ISO 8601 in UTC, durations seconds, sizes octets. Octets
/// that are no UTF-8 (in file names) are replaced, so that it is always valid JSON.
[[nodiscard]] std::string to_json(const StatusReport& report);

/// The points as one array a column, oldest first, null for what is not known; how long a step is,
/// and how old the newest point, both in seconds.
[[nodiscard]] std::string to_json(const StatusHistory& history, StatusHistory::Time now);

}  // namespace spawning
