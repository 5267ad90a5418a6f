// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// `spawn --help`.

#include <string>

namespace spawning::cli {

/// What `spawn --help` prints: every option with its default, in lines of at most 80 columns.
[[nodiscard]] std::string help_text();

}  // namespace spawning::cli
