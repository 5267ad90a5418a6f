// SPDX-License-Identifier: MIT
#include "settings_gunicorn.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <filesystem>
#include <stdexcept>
#include <utility>

namespace spawning::cli {
namespace {

namespace json = boost::json;

std::vector<std::string> texts(const json::value& array) {
  std::vector<std::string> all;
  for (const json::value& each : array.as_array()) all.emplace_back(each.as_string());
  return all;
}

std::string run(const std::string& path, const Configurator& interpreter) {
  try {
    return configure(interpreter);
  } catch (const ConfigureError& error) {
    const std::string what = error.what();
    const bool says_where = what.starts_with(path) || what.starts_with("--config");
    throw UsageError{says_where ? what : "--config: " + path + ": " + what, error.traceback()};
  }
}

SourceValue value_of(const std::string& path, const json::object& answer) {
  const std::string option{answer.at("option").as_string()};
  const Setting* const setting = find_setting(option);
  if (setting == nullptr) throw std::invalid_argument{"there is no option " + option};
  const std::string of_gunicorn{answer.at("setting").as_string()};
  const bool is_default = of_gunicorn.empty();
  return {setting, texts(answer.at("values")), is_default ? "default of gunicorn" : path,
          path + ": " + (is_default ? setting->name : of_gunicorn)};
}

SettingsSource source_of(const std::string& path, const std::string& output) {
  json::parse_options lenient;
  lenient.allow_invalid_utf8 = true;  // file names may be any octets
  const json::value answer = json::parse(output, {}, lenient);
  SettingsSource source;
  for (const json::value& each : answer.at("options").as_array())
    source.values.push_back(value_of(path, each.as_object()));
  if (auto words = texts(answer.at("arguments")); !words.empty())
    source.arguments = SourceArguments{std::move(words), path};
  source.remarks = texts(answer.at("remarks"));
  return source;
}

}  // namespace

bool is_gunicorn_file(const std::string& path) {
  return std::filesystem::path{path}.extension() == ".py";
}

SettingsSource read_gunicorn_file(const std::string& path, Configurator interpreter) {
  interpreter.command.insert(interpreter.command.end(), {"-m", "spawning.gunicorn_config", path});
  const std::string output = run(path, interpreter);
  try {
    return source_of(path, output);
  } catch (const std::exception& error) {
    throw UsageError{"--config: " + path + ": " + interpreter.command.front() +
                     " has another version of spawning: " + error.what()};
  }
}

}  // namespace spawning::cli
