// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Counting allocations. allocations.cpp replaces the global `operator new` of the program it is part of.

#include <cstdint>

namespace spawning::test {

/// Calls of `operator new`, in all its forms, by all threads of this process so far.
[[nodiscard]] std::uint64_t allocations();

}  // namespace spawning::test
