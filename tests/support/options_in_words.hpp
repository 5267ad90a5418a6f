// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What the tests of the options ask about all of them, and of a command line.

#include <string>
#include <vector>

#include "options.hpp"
#include "settings.hpp"

namespace spawning::cli::test {

// The line that a wrong command line is answered with; "" if it is right.
inline std::string refusal(const std::vector<std::string>& arguments) {
  try {
    static_cast<void>(parse_options(arguments));
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

inline std::vector<Setting> all_settings() {
  std::vector<Setting> all;
  for (const SettingGroup& group : setting_groups())
    all.insert(all.end(), group.settings.begin(), group.settings.end());
  return all;
}

}  // namespace spawning::cli::test
