// SPDX-License-Identifier: MIT
#include "options.hpp"

#include <algorithm>
#include <utility>

#include "command_line.hpp"

namespace spawning::cli {
namespace {

void store(Options& options, const Setting& setting, const std::string& value) {
  const bool needed =
      setting.takes == Setting::Takes::value || setting.takes == Setting::Takes::values;
  try {
    if (needed && value.empty()) throw UsageError{"expected a value"};
    setting.store(options, value);
  } catch (const UsageError& error) {
    throw UsageError{"--" + std::string{setting.name} + ": " + error.what()};
  }
}

}  // namespace

Options parse_options(const std::vector<std::string>& arguments) {
  Options options;
  std::vector<const Setting*> seen;
  CommandLine line = read_command_line(arguments);
  options.arguments = std::move(line.arguments);
  for (const auto& [setting, value] : line.options) {
    const bool again = std::find(seen.begin(), seen.end(), setting) != seen.end();
    const bool once =
        setting->takes != Setting::Takes::nothing && setting->takes != Setting::Takes::values;
    if (again && once) {
      throw UsageError{"--" + std::string{setting->name} + ": expected only once"};
    }
    seen.push_back(setting);
    options.given.emplace_back(setting->name);
    store(options, *setting, value);
  }
  if (options.top && !options.arguments.empty()) {
    throw UsageError{"--top: expected no APP beside it, not \"" + options.arguments.front() + "\""};
  }
  const bool needs_none =
      options.factory != kDefaultFactory || options.help || options.version || options.top;
  if (options.arguments.empty() && !needs_none) {
    throw UsageError{
        "APP is missing: expected the dotted path of an application, as package.module.callable"};
  }
  return options;
}

}  // namespace spawning::cli
