// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What the options are, and where they come from.

#include <string>

#include "options.hpp"

namespace spawning::cli {

/// For --print-config: a line an option, in the order of `--help`, with its value and where that is
/// from, in columns; first the arguments. What a factory may find is not asked for.
[[nodiscard]] std::string config_text(const Options& options);

/// What there is to say about the file.
void log_remarks(const Log& log, const Options& options);

/// Says which file counts, if it was not named, and that $PORT does.
void log_sources(const Log& log, const Options& options);

}  // namespace spawning::cli
