// SPDX-License-Identifier: MIT
#include "factory.hpp"

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "service.hpp"
#include "settings.hpp"

namespace spawning::cli {
namespace {

namespace json = boost::json;

// What a factory may set, and the option that says it, too.
struct Finding {
  const char* name;
  const char* option;
};
constexpr std::array kFindings{Finding{"host", "host"}, Finding{"port", "port"},
                               Finding{"num_processes", "processes"},
                               Finding{"threadpool_workers", "threads"}};

// File names may be any octets.
json::parse_options lenient() {
  json::parse_options options;
  options.allow_invalid_utf8 = true;
  return options;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

// What a factory gets.
std::string factory_options(const Options& options, const std::vector<std::string>& command) {
  const Address address{Address::Family::none, options.port, options.host};
  json::object all = json::parse(worker_settings(options, address), {}, lenient()).get_object();
  all.erase("app_factory");
  all["argv_str"] =
      joined({command.begin() + std::min<std::ptrdiff_t>(1, std::ssize(command)), command.end()});
  return json::serialize(all);
}

json::object parsed(const std::string& output) {
  boost::system::error_code error;
  const json::value value = json::parse(output, error, {}, lenient());
  if (error || !value.is_object())
    throw ConfigureError{"the factory's result is no JSON object", ""};
  return value.get_object();
}

std::string as_text(const json::value& value) {
  return value.is_string() ? std::string{value.get_string()} : json::serialize(value);
}

// As the option would have been taken from the command line.
void take(Options& options, const Finding& finding, const json::value& value) {
  try {
    const std::string text = as_text(value);
    if (text.empty()) throw UsageError{"expected a value"};
    find_setting(finding.option)->store(options, text);
  } catch (const UsageError& error) {
    throw ConfigureError{std::string{finding.name} + ": " + error.what(), ""};
  }
}

std::vector<std::string> texts(const json::object& found, const char* name) {
  const json::value* value = found.if_contains(name);
  if (value == nullptr || value->is_null()) return {};
  std::vector<std::string> all;
  const json::array* const array = value->if_array();
  const bool right = array != nullptr && std::ranges::all_of(*array, &json::value::is_string);
  if (!right)
    throw ConfigureError{
        std::string{name} + ": expected a list of paths, not " + json::serialize(*value), ""};
  for (const json::value& each : *array) all.emplace_back(each.get_string());
  return all;
}

void add_missing(std::vector<std::string>& all, std::vector<std::string> more) {
  for (std::string& each : more) {
    if (std::ranges::find(all, each) == all.end()) all.push_back(std::move(each));
  }
}

}  // namespace

Configurator configurator_for(const Options& options, Configurator interpreter,
                              const std::vector<std::string>& command) {
  if (options.factory == kDefaultFactory) return {};
  for (const std::string& argument : {std::string{"-m"}, std::string{"spawning.configure"},
                                      options.factory, factory_options(options, command)})
    interpreter.command.push_back(argument);
  interpreter.patience = options.boot_timeout;
  return interpreter;
}

Options with_findings(const Options& options, const std::string& output) {
  json::object found = parsed(output);
  Options merged = options;
  for (const Finding& finding : kFindings) {
    const json::value* value = found.if_contains(finding.name);
    const bool given = find_given(options, finding.option) != nullptr;
    if (value != nullptr && !value->is_null() && !given) take(merged, finding, *value);
  }
  add_missing(merged.watch, texts(found, "watch"));
  if (options.reload_dev) {
    merged.sources = texts(found, "source_directories");
    add_missing(merged.sources, texts(found, "modules"));
  }
  found.erase("modules");
  merged.found = json::serialize(found);
  return merged;
}

std::function<ServicePlan(const std::string&)> plan_reader(const Options& given, BoundTo bound,
                                                           const std::string& directory,
                                                           const Log& log) {
  return [given, bound, directory, &log](const std::string& output) {
    const Options options = with_capacity(with_findings(given, output), log);
    const bool elsewhere = options.bind.empty() && !bound.host.empty() &&
                           (options.host != bound.host || options.port != bound.port);
    if (elsewhere)
      log.warning("the service stays at " + bound.address.to_string() +
                  "; another host or port counts when spawn is started again");
    ServicePlan plan{
        worker_settings(options, bound.address, bound.coverage_directory, bound.backdoor),
        options.processes, watch_config(options, directory).paths};
    if (options.verbose) log.info("configuration " + plan.worker_settings);
    return plan;
  };
}

}  // namespace spawning::cli
