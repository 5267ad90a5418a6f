// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Options in a TOML file.

#include <optional>
#include <string>

#include "settings_source.hpp"

namespace spawning::cli {

/// What a file says; of a pyproject.toml, what its [tool.spawning] does. Keys are the options' long
/// names; underscores stand for dashes, too. A switch is true or false; an option that may be repeated
/// has a list; `app` and `middleware`, or `arguments`, are the arguments; `env` may be a table.
/// \throws UsageError that begins with the file and, where there are, line and column.
[[nodiscard]] SettingsSource read_settings_file(const std::string& path);

/// Whether there is a pyproject.toml in the directory that speaks of [tool.spawning]; its path.
[[nodiscard]] std::optional<std::string> find_project_file(const std::string& directory);

}  // namespace spawning::cli
