// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Numbers as a person reads them at a glance. None is negative or infinite.

#include <cstdint>
#include <string>

namespace spawning {

/// "0.3", "42", "1234", "1.2M".
[[nodiscard]] std::string rate_text(double a_second);

/// "512B", "1.5K", "128M", "2.3G": powers of 1024.
[[nodiscard]] std::string octets_text(double octets);

/// In two units: "42s", "3m12s", "4h05m", "3d04h".
[[nodiscard]] std::string duration_text(double seconds);

/// "0.5 ms", "25 ms", "2.5 s".
[[nodiscard]] std::string latency_text(double seconds);

/// With `digits` behind the point.
[[nodiscard]] std::string decimal_text(double value, int digits);

}  // namespace spawning
