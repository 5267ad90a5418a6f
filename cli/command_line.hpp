// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The words behind `spawn`, as options and arguments.

#include <string>
#include <vector>

#include "settings.hpp"

namespace spawning::cli {

/// An option as it was typed.
struct TypedOption {
  const Setting* setting;
  std::string value;  ///< "" of a switch
};

/// What was typed.
struct CommandLine {
  std::vector<TypedOption> options;  ///< in their order
  std::vector<std::string> arguments;
};

/// Tells options from arguments; does not read values. \see parse_options
/// \throws UsageError if there is no such option, or one with a value too many, or without its own.
[[nodiscard]] CommandLine read_command_line(const std::vector<std::string>& words);

}  // namespace spawning::cli
