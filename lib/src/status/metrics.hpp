// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The status for Prometheus.

#include <string>

#include "spawning/status_report.hpp"

namespace spawning {

/// In the text exposition format, version 0.0.4. Names begin with "spawning_"; times are seconds,
/// sizes octets. What it counts never goes back while the supervisor lives.
[[nodiscard]] std::string to_metrics(const StatusReport& report);

}  // namespace spawning
