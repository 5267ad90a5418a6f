// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The descriptors of this process: how many there may be, for how many the kernel has room, and one more.

#include "spawning/unique_fd.hpp"

namespace spawning {

/// Lets this process, and those that it starts, have as many descriptors as the system allows, but
/// not above a million: who counts up to the limit shall not take long. Connections on their way
/// count too.
/// \throws std::system_error
/// \see getrlimit(2) RLIMIT_NOFILE
void raise_descriptor_limit();

/// Has the kernel make room for `count` descriptors, or for as many as the limit allows. It grows its
/// table of them by doubling it, and where a process has threads whoever opens a file, accepts a
/// connection or is handed one then waits until no processor looks at the old table any more: 10 to
/// 20 ms on a busy machine. So this is for a process that has no other thread yet.
///
/// A descriptor takes 8 octets of the kernel's memory. What cannot be had is not missed.
/// \see expand_fdtable() in fs/file.c of Linux: synchronize_rcu()
void reserve_descriptors(unsigned count = 4096);

/// Another descriptor for what `descriptor` is one for, close-on-exec. \throws std::system_error
/// \see fcntl(2) F_DUPFD_CLOEXEC
[[nodiscard]] UniqueFd copy_of(int descriptor);

}  // namespace spawning
