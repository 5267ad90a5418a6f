// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// How much processor time a process has used, this one or another.

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>

namespace spawning {

/// User and system time of all threads of a process, not of its children. Empty if there is no such
/// process. Its resolution is a clock tick, 10 ms as a rule.
/// \param proc  where proc(5) is mounted.
[[nodiscard]] std::optional<std::chrono::milliseconds> processor_time_of(
    pid_t process, const std::filesystem::path& proc = "/proc");

/// The same of this process, exactly. Zero if there is no such clock.
[[nodiscard]] std::chrono::nanoseconds own_processor_time();

}  // namespace spawning
