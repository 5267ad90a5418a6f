// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What shells complete.

#include <string>

namespace spawning::cli {

/// For bash: to be sourced, or in /usr/share/bash-completion/completions as `spawn`.
[[nodiscard]] std::string bash_completion();

/// For zsh: `_spawn` in a directory of $fpath.
[[nodiscard]] std::string zsh_completion();

/// For fish: in ~/.config/fish/completions.
[[nodiscard]] std::string fish_completion();

}  // namespace spawning::cli
