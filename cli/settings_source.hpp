// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Where options come from: the command line, the environment, or a file.

#include <optional>
#include <string>
#include <vector>

#include "settings.hpp"

namespace spawning::cli {

/// What one place says about one option.
struct SourceValue {
  const Setting* setting;
  /// "" of a switch that is on; nothing of one that is off, and of an empty list: the option counts
  /// as not given then, whatever weaker sources say.
  std::vector<std::string> values;
  std::string origin;        ///< for people: "command line", "spawn.toml:3", "$SPAWN_PORT"
  std::string said;          ///< what a complaint begins with: "--port", "spawn.toml:3:8: --port"
  bool of_platform = false;  ///< $PORT or $WEB_CONCURRENCY: counts only if nothing else says it
};

/// APP and MIDDLEWARE, or what else the factory takes.
struct SourceArguments {
  std::vector<std::string> words;
  std::string origin;
};

/// What one source says, each option once.
struct SettingsSource {
  std::vector<SourceValue> values;
  std::optional<SourceArguments> arguments;
  std::vector<std::string> remarks{};  ///< for people, a line each
};

/// `; did you mean PREFIXport?`, or "" if no option but those that only the command line has is like
/// it. \param typed  as an option is written, without dashes in front.
/// \param spelled  how the source writes a name.
[[nodiscard]] std::string suggestion(const std::string& typed,
                                     std::string (*spelled)(const std::string& name),
                                     bool on_command_line = false);

/// What to begin a complaint with, and "expected …".
[[noreturn]] void refuse_setting(const std::string& said, const std::string& why);

}  // namespace spawning::cli
