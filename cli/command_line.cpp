// SPDX-License-Identifier: MIT
#include "command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <utility>

#include "settings_source.hpp"

namespace spawning::cli {
namespace {

using Takes = Setting::Takes;

constexpr const char* kNoValue = "\x01";  // CLI11's value of a switch that was given none

bool is_switch(const Setting& setting) {
  return setting.takes == Takes::nothing || setting.takes == Takes::perhaps;
}

[[noreturn]] void refuse_value(const Setting& setting, const char* why) {
  throw UsageError{"--" + std::string{setting.name} + ": " + why};
}

// Which setting is meant by an option of CLI11's.
using Meaning = std::map<const CLI::Option*, const Setting*>;

void describe(const Setting& setting, CLI::App& app, Meaning& meaning) {
  std::string names;
  const auto add = [&names, &setting](const std::string& name) {
    names += (names.empty() ? "" : ",") + name;
    if (is_switch(setting)) names += std::string{"{"} + kNoValue + "}";
  };
  add(std::string{"--"} + setting.name);
  if (setting.short_name != '\0') add(std::string{"-"} + setting.short_name);
  if (setting.old_name != nullptr) add(std::string{"--"} + setting.old_name);
  CLI::Option* const option = is_switch(setting) ? app.add_flag(names) : app.add_option(names);
  option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  meaning.emplace(option, &setting);
}

// CLI11 takes `--name ""`, but drops the empty value of `--name=`.
std::vector<std::string> with_empty_values(std::vector<std::string> words) {
  for (std::size_t i = 0; i < words.size() && words[i] != "--"; ++i) {
    if (!words[i].starts_with("--") || words[i].find('=') + 1 != words[i].size()) continue;
    words[i].pop_back();
    const Setting* const setting = find_setting(words[i].substr(2));
    if (setting == nullptr) continue;
    if (setting->takes == Takes::nothing) refuse_value(*setting, "takes no value");
    if (setting->takes == Takes::perhaps) refuse_value(*setting, "expected a value");
    words.insert(words.begin() + static_cast<std::ptrdiff_t>(++i), "");
  }
  return words;
}

[[noreturn]] void refuse_unknown(const std::string& word) {
  const std::size_t length = word.starts_with("--") ? word.find('=') : 2;  // -xVALUE
  const std::string name = word.substr(0, length);
  const auto spelled = [](const std::string& found) { return "--" + found; };
  const std::string meant = length == 2 ? "" : suggestion(name.substr(2), spelled, true);
  throw UsageError{name + ": there is no such option" +
                   (meant.empty() ? "; see spawn --help" : meant)};
}

void parse(CLI::App& app, std::vector<std::string> words) {
  std::ranges::reverse(words);  // which is how it wants them
  try {
    app.parse(std::move(words));
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string said = error.what();  // "--port: 1 required …"
    throw UsageError{said.substr(0, said.find(':')) + ": expected a value"};
  } catch (const CLI::ParseError& error) {
    throw UsageError{std::string{error.what()} + "; see spawn --help"};
  }
  for (const std::string& word : app.remaining()) {
    if (word != "--") refuse_unknown(word);
  }
}

TypedOption typed(const Setting& setting, const std::string& value) {
  if (!is_switch(setting)) return {&setting, value};
  if (value == kNoValue) return {&setting, ""};
  if (setting.takes == Takes::nothing) refuse_value(setting, "takes no value");
  return {&setting, value};
}

}  // namespace

CommandLine read_command_line(const std::vector<std::string>& words) {
  CLI::App app;
  app.set_help_flag();  // ours is one like the others
  app.allow_extras();   // to be named by us
  Meaning meaning;
  for (const SettingGroup& group : setting_groups()) {
    for (const Setting& setting : group.settings) describe(setting, app, meaning);
  }
  for (const Setting& setting : internal_settings()) describe(setting, app, meaning);
  std::vector<std::string> whole = with_empty_values(words);
  CLI::Option* const arguments = app.add_option("arguments");
  arguments->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  arguments->expected(static_cast<int>(whole.size()) + 1);  // no end; -1 would split "[a,b]"
  parse(app, std::move(whole));
  CommandLine line;
  std::map<const CLI::Option*, std::size_t> read;
  for (const CLI::Option* option : app.parse_order()) {
    const std::string& value = option->results().at(read[option]++);
    if (option == arguments) {
      line.arguments.push_back(value);
    } else {
      line.options.push_back(typed(*meaning.at(option), value));
    }
  }
  return line;
}

}  // namespace spawning::cli
