// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What somebody may have meant.

#include <span>
#include <string>

namespace spawning::cli {

/// The name that `typed` is most like: the only one that begins with it, else the first of those that
/// the fewest letters make of it that are added, left out, changed or exchanged with their neighbour;
/// "" if that would take more than one in three.
[[nodiscard]] std::string nearest(const std::string& typed, std::span<const std::string> names);

}  // namespace spawning::cli
