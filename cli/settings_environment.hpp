// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Options in environment variables.

#include <span>
#include <string>

#include "settings_source.hpp"

namespace spawning::cli {

/// What `SPAWN_…` variables say: the option's name in capitals, with underscores. A switch is 1, true,
/// yes or on, or 0, false, no or off; several values stand between blanks. SPAWN_APP is APP and
/// MIDDLEWARE. An empty variable says nothing, unless the option may be empty. PORT and
/// WEB_CONCURRENCY are what platforms say.
/// \param environment  NAME=VALUE.
/// \throws UsageError that names the variable if there is no such option.
[[nodiscard]] SettingsSource read_environment(std::span<const std::string> environment);

/// true of "1", "true", "yes", "on"; false of "0", "false", "no", "off"; else nothing.
[[nodiscard]] std::optional<bool> read_switch(std::string text);

}  // namespace spawning::cli
