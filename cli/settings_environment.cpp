// SPDX-License-Identifier: MIT
#include "settings_environment.hpp"

#include <algorithm>
#include <iterator>
#include <sstream>
#include <string_view>

namespace spawning::cli {
namespace {

using Takes = Setting::Takes;

constexpr std::string_view kPrefix = "SPAWN_";

// As the names of variables are made: of ASCII, whatever the locale.
std::string changed(std::string text, char from, char to, int shift) {
  const char first = shift < 0 ? 'a' : 'A';
  for (char& c : text) {
    if (c == from) {
      c = to;
    } else if (c >= first && c < first + 26) {
      c = static_cast<char>(c + shift);
    }
  }
  return text;
}

constexpr int kToLower = 'a' - 'A';

std::string variable_of(const std::string& option) {
  return std::string{kPrefix} + changed(option, '-', '_', -kToLower);
}

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream words{text};
  return {std::istream_iterator<std::string>{words}, {}};
}

std::vector<std::string> values_of(const Setting& setting, const std::string& name,
                                   const std::string& text) {
  if (setting.takes == Takes::values) return words_of(text);
  const bool is_switch = setting.takes == Takes::nothing;
  if (!is_switch && setting.takes != Takes::perhaps) return {text};
  const auto on = read_switch(text);
  // 0 and 1 are values, too: ports.
  const bool meant = on && (is_switch || (text != "0" && text != "1"));
  if (is_switch && !on)
    refuse_setting(name,
                   "expected 1, true, yes or on, or 0, false, no or off, not \"" + text + "\"");
  if (!meant) return {text};
  return *on ? std::vector<std::string>{""} : std::vector<std::string>{};
}

const Setting& setting_of(const std::string& variable) {
  const std::string typed = changed(variable.substr(kPrefix.size()), '_', '-', kToLower);
  const Setting* const setting = find_setting(typed);
  if (setting == nullptr)
    refuse_setting(variable, "there is no such option" + suggestion(typed, variable_of));
  if (setting->where != Setting::Where::anywhere && std::string_view{setting->name} != "config")
    refuse_setting(variable, "only the command line may say that");
  return *setting;
}

SourceValue platform_value(const char* option, const std::string& name, const std::string& text) {
  return {find_setting(option), {text}, "$" + name, name, true};
}

}  // namespace

std::optional<bool> read_switch(std::string text) {
  text = changed(text, '\0', '\0', kToLower);
  if (text == "1" || text == "true" || text == "yes" || text == "on") return true;
  if (text == "0" || text == "false" || text == "no" || text == "off") return false;
  return std::nullopt;
}

SettingsSource read_environment(std::span<const std::string> environment) {
  SettingsSource source;
  std::vector<SourceValue> of_platform;
  for (const std::string& variable : environment) {
    const std::string name = variable.substr(0, variable.find('='));
    const std::string text = name == variable ? "" : variable.substr(name.size() + 1);
    if (name == "PORT" && !text.empty()) {
      of_platform.push_back(platform_value("port", name, text));
    } else if (name == "WEB_CONCURRENCY" && !text.empty()) {
      of_platform.push_back(platform_value("processes", name, text));
    } else if (name == "SPAWN_APP") {
      if (!text.empty()) source.arguments = {words_of(text), "$" + name};
    } else if (name.starts_with(kPrefix)) {
      const Setting& setting = setting_of(name);
      if (text.empty() && setting.takes != Takes::text) continue;
      source.values.push_back({&setting, values_of(setting, name, text), "$" + name, name});
    }
  }
  for (SourceValue& value : of_platform) {
    const bool said = std::ranges::find(source.values, value.setting, &SourceValue::setting) !=
                      source.values.end();
    if (!said) source.values.push_back(std::move(value));
  }
  return source;
}

}  // namespace spawning::cli
