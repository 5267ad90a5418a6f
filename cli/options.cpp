// SPDX-License-Identifier: MIT
#include "options.hpp"

#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <ranges>
#include <string_view>
#include <utility>

#include "command_line.hpp"
#include "programs.hpp"
#include "settings_environment.hpp"
#include "settings_file.hpp"
#include "settings_gunicorn.hpp"
#include "settings_source.hpp"

namespace spawning::cli {
namespace {

using Takes = Setting::Takes;

SourceValue* find_value(SettingsSource& source, std::string_view name) {
  const auto found = std::ranges::find_if(
      source.values, [name](const SourceValue& each) { return name == each.setting->name; });
  return found == source.values.end() ? nullptr : &*found;
}

void remove(SettingsSource& source, std::string_view name) {
  std::erase_if(source.values,
                [name](const SourceValue& each) { return name == each.setting->name; });
}

SettingsSource typed_source(CommandLine line) {
  constexpr const char* kOrigin = "command line";
  SettingsSource source;
  if (!line.arguments.empty())
    source.arguments = SourceArguments{std::move(line.arguments), kOrigin};
  for (auto& [setting, value] : line.options) {
    const std::string said = std::string{"--"} + setting->name;
    SourceValue* const before = find_value(source, setting->name);
    if (before == nullptr) {
      source.values.push_back({setting, {std::move(value)}, kOrigin, said});
    } else if (setting->takes == Takes::values) {
      before->values.push_back(std::move(value));
    } else if (setting->takes != Takes::nothing) {
      refuse_setting(said, "expected only once");
    }
  }
  return source;
}

bool said_anywhere(std::vector<SettingsSource>& sources, const char* name) {
  return std::ranges::any_of(sources, [name](SettingsSource& source) {
    const SourceValue* const value = find_value(source, name);
    return value != nullptr && !value->values.empty();
  });
}

// What platforms say counts only if nobody else says it.
void settle_platform(std::vector<SettingsSource>& sources) {
  if (sources.size() < 2) return;
  SettingsSource& environment = sources[sources.size() - 2];
  for (const char* name : {"port", "processes"}) {
    const SourceValue* const value = find_value(environment, name);
    if (value == nullptr || !value->of_platform) continue;
    const bool is_port = std::string_view{name} == "port";
    const SourceValue implied{find_setting("host"), {"0.0.0.0"}, value->origin, value->said};
    if (find_value(sources.back(), name) != nullptr ||
        (is_port && said_anywhere(sources, "bind"))) {
      remove(environment, name);
    } else if (is_port && !said_anywhere(sources, "host")) {
      environment.values.push_back(implied);
    }
  }
}

// An address counts for less than a host or a port from a stronger place.
void settle_addresses(std::vector<SettingsSource>& sources) {
  bool stronger = false;
  for (SettingsSource& source : std::views::reverse(sources)) {
    if (stronger) remove(source, "bind");
    stronger = stronger || find_value(source, "host") || find_value(source, "port");
  }
}

void store(Options& options, const SourceValue& given) {
  const Takes takes = given.setting->takes;
  const bool needed = takes == Takes::value || takes == Takes::values;
  for (const std::string& value : given.values) {
    try {
      if (needed && value.empty()) throw UsageError{"expected a value"};
      given.setting->store(options, value);
    } catch (const UsageError& error) {
      refuse_setting(given.said, error.what());
    }
  }
}

Options merged(std::vector<SettingsSource> sources) {
  Options options, unused;
  std::map<const Setting*, SourceValue> strongest;
  for (SettingsSource& source : sources) {
    if (source.arguments) {
      options.arguments = std::move(source.arguments->words);
      options.arguments_origin = std::move(source.arguments->origin);
    }
    std::ranges::move(source.remarks, std::back_inserter(options.remarks));
    for (SourceValue& value : source.values) {
      store(unused, value);  // what is wrong is said, whether it counts or not
      strongest[value.setting] = std::move(value);
    }
  }
  const auto take = [&](const Setting& setting) {
    const auto found = strongest.find(&setting);
    if (found == strongest.end() || found->second.values.empty()) return;
    store(options, found->second);
    options.given.push_back(
        {setting.name, std::move(found->second.values), std::move(found->second.origin)});
  };
  for (const SettingGroup& group : setting_groups()) std::ranges::for_each(group.settings, take);
  std::ranges::for_each(internal_settings(), take);
  return options;
}

// `stronger`: they say which interpreter executes a file that is a program.
SettingsSource read_file(const std::string& path, std::vector<SettingsSource> stronger,
                         const Surroundings& surroundings) {
  if (!is_gunicorn_file(path)) return read_settings_file(path);
  return read_gunicorn_file(path,
                            early_interpreter(merged(std::move(stronger)), surroundings.program));
}

// The weakest first.
std::vector<SettingsSource> sources_of(SettingsSource typed, const Surroundings& surroundings) {
  const auto is_typed = [&typed](const char* name) { return find_value(typed, name) != nullptr; };
  if (is_typed("help") || is_typed("version") || is_typed("top")) return {std::move(typed)};
  SettingsSource environment = read_environment(surroundings.environment);
  std::optional<std::string> file;
  for (SettingsSource* source : {&typed, &environment}) {
    const SourceValue* const value = find_value(*source, "config");
    if (value != nullptr && !file) file = value->values.front();
  }
  if (file && file->empty()) refuse_setting("--config", "expected a value");
  if (!file && !surroundings.directory.empty()) file = find_project_file(surroundings.directory);
  std::vector<SettingsSource> sources;
  sources.push_back(file ? read_file(*file, {environment, typed}, surroundings) : SettingsSource{});
  const SourceValue found{find_setting("config"), {file.value_or("")}, "working directory", ""};
  if (file && !is_typed("config") && find_value(environment, "config") == nullptr)
    sources.front().values.push_back(found);
  sources.push_back(std::move(environment));
  sources.push_back(std::move(typed));
  return sources;
}

void require_arguments(const Options& options) {
  if (options.top && !options.arguments.empty()) {
    throw UsageError{"--top: expected no APP beside it, not \"" + options.arguments.front() + "\""};
  }
  const bool needs_none = options.factory != kDefaultFactory || options.help || options.version ||
                          options.top || options.print_config;
  if (options.arguments.empty() && !needs_none) {
    throw UsageError{
        "APP is missing: expected the dotted path of an application, as package.module.callable"};
  }
}

// What lives in a worker's first interpreter sees nothing of the others.
void require_one_interpreter(const Options& options) {
  if (options.interpreters == 0) return;
  const auto refuse = [](const std::string& other) {
    throw UsageError{"--interpreters: expected no " + other +
                     " beside it, which is for one interpreter"};
  };
  if (options.threads == 0) refuse("--threads 0");
  if (options.coverage) refuse("--coverage");
  if (options.backdoor) refuse("--backdoor");
}

}  // namespace

Surroundings surroundings_of_this_process(std::string program) {
  Surroundings surroundings;
  surroundings.directory = ".";
  surroundings.program = std::move(program);
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable)
    surroundings.environment.emplace_back(*variable);
  return surroundings;
}

const Given* find_given(const Options& options, const std::string& name) {
  const auto found = std::ranges::find(options.given, name, &Given::option);
  return found == options.given.end() ? nullptr : &*found;
}

Options parse_options(const std::vector<std::string>& arguments, const Surroundings& surroundings) {
  std::vector<SettingsSource> sources =
      sources_of(typed_source(read_command_line(arguments)), surroundings);
  settle_platform(sources);
  settle_addresses(sources);
  Options options = merged(std::move(sources));
  require_arguments(options);
  require_one_interpreter(options);
  return options;
}

}  // namespace spawning::cli
