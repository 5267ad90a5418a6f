// SPDX-License-Identifier: MIT
#include "settings_source.hpp"

#include "nearest.hpp"

namespace spawning::cli {

std::string suggestion(const std::string& typed, std::string (*spelled)(const std::string& name),
                       bool on_command_line) {
  std::vector<std::string> names;
  for (const SettingGroup& group : setting_groups()) {
    for (const Setting& setting : group.settings) {
      if (on_command_line || setting.where == Setting::Where::anywhere)
        names.emplace_back(setting.name);
    }
  }
  if (!on_command_line) names.insert(names.end(), {"app", "middleware", "arguments"});
  const std::string found = nearest(typed, names);
  return found.empty() ? "" : "; did you mean " + spelled(found) + "?";
}

void refuse_setting(const std::string& said, const std::string& why) {
  throw UsageError{said + ": " + why};
}

}  // namespace spawning::cli
