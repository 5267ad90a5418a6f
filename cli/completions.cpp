// SPDX-License-Identifier: MIT
#include "completions.hpp"

#include <functional>
#include <string_view>
#include <vector>

#include "reference.hpp"
#include "settings.hpp"

namespace spawning::cli {
namespace {

constexpr const char* kMade = "# Made by spawn_reference of the options.\n";

enum class Completes : std::uint8_t { nothing, words, files, directories };

Completes completes(const Setting& setting) {
  const std::string_view argument = setting.argument == nullptr ? "" : setting.argument;
  if (!choices_of(setting).empty()) return Completes::words;
  if (argument == "DIR") return Completes::directories;
  return argument == "FILE" || argument == "PATH" ? Completes::files : Completes::nothing;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

void for_each_setting(const std::function<void(const Setting&)>& call) {
  for (const SettingGroup& group : setting_groups()) {
    for (const Setting& setting : group.settings) call(setting);
  }
}

// In single quotes, which both shells end alike.
std::string quoted(std::string_view text, std::string_view instead_of_quote) {
  std::string all = "'";
  for (const char c : text) {
    if (c == '\'') {
      all += instead_of_quote;
    } else {
      all += c;
    }
  }
  return all + "'";
}

// A description between brackets of _arguments.
std::string described(const Setting& setting) {
  std::string all;
  for (const char* c = setting.help; *c != '\0'; ++c) {
    if (*c == '[' || *c == ']' || *c == ':' || *c == '\\') all += '\\';
    all += *c;
  }
  return all;
}

std::string zsh_value(const Setting& setting) {
  const std::string name = setting.argument;
  switch (completes(setting)) {
    case Completes::words:
      return ":" + name + ":(" + joined(choices_of(setting)) + ")";
    case Completes::files:
      return ":" + name + ":_files";
    case Completes::directories:
      return ":" + name + ":_files -/";
    case Completes::nothing:
      break;
  }
  return ":" + name + ":";
}

}  // namespace

std::string bash_completion() {
  std::string names, cases;
  const auto add = [&names, &cases](const Setting& setting) {
    const std::string name = std::string{"--"} + setting.name;
    names += (names.empty() ? "" : " ") + name;
    const bool follows =
        setting.takes != Setting::Takes::nothing && setting.takes != Setting::Takes::perhaps;
    if (!follows) return;
    cases += "    " + name;
    if (setting.short_name != '\0') cases += std::string{" | -"} + setting.short_name;
    cases += ") ";
    switch (completes(setting)) {
      case Completes::words:
        cases += "COMPREPLY=($(compgen -W '" + joined(choices_of(setting)) + "' -- \"$word\")) ";
        break;
      case Completes::files:
        cases += "compopt -o default; ";
        break;
      case Completes::directories:
        cases += "compopt -o dirnames; ";
        break;
      case Completes::nothing:
        break;
    }
    cases += "return ;;\n";
  };
  for_each_setting(add);
  for (std::size_t at = cases.find(")) return"); at != std::string::npos;
       at = cases.find(")) return", at))
    cases.replace(at, 3, ")); ");
  return std::string{kMade} + "# shellcheck shell=bash\n_spawn() {\n" +
         "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
         "  COMPREPLY=()\n"
         "  if [[ $before == = ]]; then before=${COMP_WORDS[COMP_CWORD - 2]}; fi\n"
         "  if [[ $word == = ]]; then before=${COMP_WORDS[COMP_CWORD - 1]} word=; fi\n"
         "  # shellcheck disable=SC2207 # no word has a blank in it\n"
         "  case $before in\n" +
         cases +
         "  esac\n"
         "  # shellcheck disable=SC2207\n"
         "  if [[ $word == -* ]]; then\n"
         "    COMPREPLY=($(compgen -W '" +
         names +
         "' -- \"$word\"))\n"
         "  fi\n"
         "}\n"
         "complete -F _spawn spawn\n";
}

std::string zsh_completion() {
  std::string text = std::string{"#compdef spawn\n"} + kMade + "\n_arguments -s -S \\\n";
  const auto add = [&text](const Setting& setting) {
    const bool repeated = setting.takes == Setting::Takes::values;
    const auto one = [&](const std::string& name) {
      std::string spec = (repeated ? "*" : "") + name;
      if (setting.takes == Setting::Takes::perhaps) {
        spec += "=-[" + described(setting) + "]:" + zsh_value(setting);
      } else {
        if (setting.argument != nullptr) spec += name.starts_with("--") ? "=" : "+";
        spec += "[" + described(setting) + "]";
        if (setting.argument != nullptr) spec += zsh_value(setting);
      }
      text += "  " + quoted(spec, "'\\''") + " \\\n";
    };
    if (setting.short_name != '\0') one(std::string{"-"} + setting.short_name);
    one(std::string{"--"} + setting.name);
  };
  for_each_setting(add);
  return text + "  '*:argument:'\n";
}

std::string fish_completion() {
  std::string text = std::string{kMade} + "complete -c spawn -f\n";
  const auto add = [&text](const Setting& setting) {
    text += std::string{"complete -c spawn -l "} + setting.name;
    if (setting.short_name != '\0') text += std::string{" -s "} + setting.short_name;
    const bool follows = setting.argument != nullptr && setting.takes != Setting::Takes::perhaps;
    if (follows) text += completes(setting) == Completes::files ? " -r -F" : " -x";
    if (completes(setting) == Completes::directories) text += " -a '(__fish_complete_directories)'";
    if (completes(setting) == Completes::words) text += " -a '" + joined(choices_of(setting)) + "'";
    text += " -d " + quoted(setting.help, "\\'") + "\n";
  };
  for_each_setting(add);
  return text;
}

}  // namespace spawning::cli
