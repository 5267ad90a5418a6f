// SPDX-License-Identifier: MIT
#include "settings.hpp"

#include <algorithm>
#include <array>

#include "setting_tables.hpp"

namespace spawning::cli {
namespace {

// Both ways of writing a name are one.
bool is_named(const char* name, const std::string& asked) {
  const auto same = [](char a, char b) { return a == b || (a == '_' && b == '-'); };
  return name != nullptr &&
         (asked == name || std::ranges::equal(std::string_view{name}, asked, same));
}

const Setting* find(std::span<const Setting> settings, const std::string& name) {
  const auto found = std::ranges::find_if(settings, [&name](const Setting& each) {
    return is_named(each.name, name) || is_named(each.old_name, name);
  });
  return found == settings.end() ? nullptr : &*found;
}

}  // namespace

std::span<const SettingGroup> setting_groups() {
  static const std::array<SettingGroup, 12> kGroups{{
      {"Server", server_settings()},
      {"HTTP", http_settings()},
      {"Limits", limits_settings()},
      {"Timeouts, in seconds", timeouts_settings()},
      {"Replacement of workers, successor first", replacement_settings()},
      {"Behind a proxy", proxies_settings()},
      {"Reload", reload_settings()},
      {"Status", status_settings()},
      {"Logs", logs_settings()},
      {"Insight", insight_settings()},
      {"Daemon", daemon_settings()},
      {"Others", others_settings()},
  }};
  return kGroups;
}

const Setting* find_setting(const std::string& name) {
  for (const SettingGroup& group : setting_groups()) {
    if (const Setting* found = find(group.settings, name)) return found;
  }
  return find(internal_settings(), name);
}

}  // namespace spawning::cli
