// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// How logs say how long something has taken.

#include <chrono>
#include <string>

namespace spawning {

/// "30.0 s"
[[nodiscard]] std::string in_seconds(std::chrono::steady_clock::duration time);

}  // namespace spawning
