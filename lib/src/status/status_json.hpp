// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The status for programs: JSON.

#include <string>

#include "spawning/status_report.hpp"

namespace spawning {

/// Spawning's names and ours. Times are ISO 8601 in UTC, durations seconds, sizes octets. Octets
/// that are no UTF-8 (in file names) are replaced, so that it is always valid JSON.
[[nodiscard]] std::string to_json(const StatusReport& report);

}  // namespace spawning
