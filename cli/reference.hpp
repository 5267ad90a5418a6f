// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What is made of the options for other programs to read: the manual page, and completions for shells.

#include <span>
#include <string>
#include <vector>

#include "settings.hpp"

namespace spawning::cli {

/// A file in docs/ that is made of the options.
struct ReferenceFile {
  const char* name;  ///< below docs/
  std::string (*text)();
};

/// All of them. `spawn_reference DIRECTORY` writes them.
[[nodiscard]] std::span<const ReferenceFile> reference_files();

/// What the value of an option may be, if these words are all, or the usual ones.
[[nodiscard]] std::vector<std::string> choices_of(const Setting& setting);

}  // namespace spawning::cli
