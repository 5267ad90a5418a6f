// SPDX-License-Identifier: MIT
#include "options.hpp"

#include <algorithm>
#include <boost/program_options.hpp>

#include "settings.hpp"

namespace spawning::cli {
namespace {

namespace po = boost::program_options;

constexpr const char* kArguments = "arguments";  // APP, MIDDLEWARE…: no option, see parse()

void describe(const Setting& setting, po::options_description& all) {
  std::string names = setting.name;
  if (setting.short_name != '\0') names += std::string{","} + setting.short_name;
  const auto add = [&all, &setting](const char* as) {
    if (setting.takes == Setting::Takes::nothing) {
      all.add_options()(as, "");
    } else {
      all.add_options()(as, po::value<std::vector<std::string>>()->composing(), "");
    }
  };
  add(names.c_str());
  if (setting.old_name != nullptr) add(setting.old_name);
}

po::options_description descriptions() {
  po::options_description all;
  for (const SettingGroup& group : setting_groups()) {
    for (const Setting& setting : group.settings) describe(setting, all);
  }
  for (const Setting& setting : internal_settings()) describe(setting, all);
  return all;
}

// Boost takes no `--name=` without a value, but `--name ""`; and a value that may be left out it takes
// from the next argument.
std::vector<std::string> with_empty_values(std::vector<std::string> arguments) {
  for (std::size_t i = 0; i < arguments.size() && arguments[i] != "--"; ++i) {
    if (!arguments[i].starts_with("--")) continue;
    const bool ends = arguments[i].ends_with('=');
    const std::string name = arguments[i].substr(2, arguments[i].size() - (ends ? 3 : 2));
    const Setting* const setting = find_setting(name);
    if (setting == nullptr) continue;
    if (setting->takes != (ends ? Setting::Takes::text : Setting::Takes::perhaps)) continue;
    if (ends) arguments[i].pop_back();
    arguments.insert(arguments.begin() + static_cast<std::ptrdiff_t>(++i), "");
  }
  return arguments;
}

// Boost's own messages name options in several ways and forget some; these name what was typed.
[[noreturn]] void throw_usage(const po::error_with_option_name& error, const char* said) {
  std::string name = error.get_option_name();
  if (name.starts_with("--")) {
    name.resize(std::min(name.find('='), name.size()));
  } else {
    name.resize(std::min<std::size_t>(2, name.size()));  // -xVALUE
  }
  throw UsageError{name + ": " + said};
}

std::vector<po::option> parse(const std::vector<std::string>& arguments) {
  namespace style = po::command_line_style;
  const po::options_description all = descriptions();
  po::positional_options_description positional;
  positional.add(kArguments, -1);
  try {
    return po::command_line_parser(arguments)
        .options(all)
        .positional(positional)
        .style(style::default_style & ~style::allow_guessing)
        .run()
        .options;
  } catch (const po::unknown_option& error) {
    throw_usage(error, "there is no such option; see spawn --help");
  } catch (const po::invalid_command_line_syntax& error) {
    const bool extra = error.kind() == po::invalid_syntax::extra_parameter ||
                       error.kind() == po::invalid_syntax::long_adjacent_not_allowed;
    throw_usage(error, extra ? "takes no value" : "expected a value");
  } catch (const po::error_with_option_name& error) {
    throw_usage(error, "cannot be read; see spawn --help");
  }
}

void store(Options& options, const Setting& setting, const po::option& given) {
  const std::string value = given.value.empty() ? "" : given.value.front();
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
  for (const po::option& given : parse(with_empty_values(arguments))) {
    const Setting* setting = find_setting(given.string_key);
    if (setting == nullptr) {
      options.arguments.insert(options.arguments.end(), given.value.begin(), given.value.end());
      continue;
    }
    const bool again = std::find(seen.begin(), seen.end(), setting) != seen.end();
    const bool once =
        setting->takes != Setting::Takes::nothing && setting->takes != Setting::Takes::values;
    if (again && once) {
      throw UsageError{"--" + std::string{setting->name} + ": expected only once"};
    }
    seen.push_back(setting);
    options.given.emplace_back(setting->name);
    store(options, *setting, given);
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
