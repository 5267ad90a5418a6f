// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// How many workers this machine, or what we have of it, has room for.

#include <filesystem>
#include <string>

#include "spawning/bytes.hpp"
#include "spawning/export.hpp"

namespace SPAWNING_EXPORT spawning {

/// Memory that a worker is taken to need: half of it is its successor's while a reload goes on. A
/// Django of some size has 100 MiB.
inline constexpr Bytes kMemoryOfWorker = 256_MiB;

/// So many workers, and what decided that.
struct Capacity {
  unsigned workers = 1;
  std::string reason;  ///< "of 8 processors the control group's quota leaves 2"
};

/// A worker for each processor that this process may use, by its affinity and by the quota of its
/// control groups (a part of one counts as one), but not more than there is memory for: of the machine's
/// what is available, of the control groups' limit. At least one. What cannot be found out does not
/// count.
/// \param affinity  the number of processors in it. \see affine_processors
/// \param root      where /proc and /sys are.
/// \see cgroups(7), versions 1 and 2
[[nodiscard]] Capacity capacity(unsigned affinity, const std::filesystem::path& root = "/");

/// How many processors this process may run on. \see sched_getaffinity(2)
[[nodiscard]] unsigned affine_processors();

}  // namespace spawning
