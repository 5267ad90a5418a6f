// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Files without a name, for what is too large for memory.

#include <span>

#include "spawning/unique_fd.hpp"

namespace spawning {

/// Opens an unnamed file, close-on-exec, in the first of `directories` that can hold one (nullptr:
/// none); where none can, a memfd. It vanishes with its last descriptor. \throws std::system_error
/// if not even a memfd can be had. \see open(2) O_TMPFILE, memfd_create(2)
[[nodiscard]] UniqueFd open_spool_file(std::span<const char* const> directories);

/// The same in $TMPDIR, as it was when the program started, /tmp or /var/tmp.
[[nodiscard]] UniqueFd open_spool_file();

}  // namespace spawning
