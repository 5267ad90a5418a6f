// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The options that `spawn` has.

#include <cstdint>
#include <span>
#include <string>

#include "options.hpp"

namespace spawning::cli {

/// One option: the source of parsing, `--help` and the documentation.
struct Setting {
  /// What stands behind the name.
  enum class Takes : std::uint8_t {
    nothing,  ///< it is a switch
    value,    ///< one, which is not empty
    text,     ///< one, perhaps empty
    values,   ///< as `value`, and the option may be repeated
    perhaps,  ///< a switch that may have one, only behind `=`: what follows is an argument
  };

  /// Where it may be said.
  enum class Where : std::uint8_t { anywhere, command_line };

  const char* name;      ///< "port", without dashes
  char short_name;       ///< '\0' if there is none
  const char* argument;  ///< what its value is called in `--help`; nullptr for a switch
  const char* fallback;  ///< the default as text; nullptr if there is none
  const char* help;      ///< one sentence without a full stop
  Takes takes;
  /// Stores the value ("" for a switch). \throws UsageError that says what was expected.
  void (*store)(Options& options, const std::string& value);
  const char* old_name = nullptr;  ///< understood, too; nullptr if there is none
  Where where = Where::anywhere;
};

/// Options that belong together, under a heading.
struct SettingGroup {
  const char* heading;  ///< "Timeouts"
  std::span<const Setting> settings;
};

/// Every option, in the order of `--help`.
[[nodiscard]] std::span<const SettingGroup> setting_groups();

/// What `spawn` says to itself, and people do not.
[[nodiscard]] std::span<const Setting> internal_settings();

/// The one with that name, or old name, without dashes in front; nullptr if there is none. An old name
/// that has underscores has dashes, too.
[[nodiscard]] const Setting* find_setting(const std::string& name);

}  // namespace spawning::cli
