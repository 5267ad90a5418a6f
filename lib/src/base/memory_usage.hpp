// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// How much memory a process uses.

#include <sys/types.h>

#include <filesystem>
#include <optional>

#include "spawning/bytes.hpp"

namespace spawning {

/// The proportional set size of a process: what would come free if it and its equals went; pages
/// that several processes share count for each in part. Where that may not be read (the process is
/// another user's), its resident set size, which is more. Empty if there is no such process.
///
/// Costs 2.5 ms of processor time for a Python of 115 MiB, in proportion to its resident pages (the
/// resident set size alone: 6 µs).
///
/// \param proc  where proc(5) is mounted.
[[nodiscard]] std::optional<Bytes> memory_of(pid_t process,
                                             const std::filesystem::path& proc = "/proc");

}  // namespace spawning
