// SPDX-License-Identifier: MIT
#include "settings_file.hpp"

#include <toml++/toml.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>

#include "spawning/error.hpp"

namespace spawning::cli {
namespace {

using Takes = Setting::Takes;

constexpr const char* kProjectFile = "pyproject.toml";

bool is_project(const std::string& path) {
  return std::filesystem::path{path}.filename() == kProjectFile;
}

std::string text_of(const std::string& path) {
  std::ifstream file{path};
  std::ostringstream text;
  const bool is_directory = std::filesystem::is_directory(path);
  if (!is_directory && file) text << file.rdbuf();
  if (is_directory) errno = EISDIR;
  if (is_directory || !file) throw UsageError{"--config: " + path + ": " + last_error().message()};
  return text.str();
}

std::string line_of(const std::string& path, const toml::source_position& at) {
  return path + ":" + std::to_string(at.line);
}

std::string place_of(const std::string& path, const toml::source_position& at) {
  return line_of(path, at) + ":" + std::to_string(at.column);
}

toml::table parsed(const std::string& path) {
  try {
    return toml::parse(text_of(path), path);
  } catch (const toml::parse_error& error) {
    std::string what{error.description()};
    std::ranges::replace(what, '\n', ' ');
    throw UsageError{place_of(path, error.source().begin) + ": " + what};
  }
}

// "0o27" is written as such, because it is an octal mode that it stands for.
std::string number_text(const toml::value<std::int64_t>& number) {
  const bool octal =
      (number.flags() & toml::value_flags::format_as_octal) != toml::value_flags::none;
  std::array<char, 32> digits{};
  const auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(), number.get(), octal ? 8 : 10).ptr;
  return {digits.data(), end};
}

std::string number_text(double number) {
  std::array<char, 400> digits{};
  const auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(), number, std::chars_format::fixed)
          .ptr;
  return {digits.data(), end};
}

// Of a text or a number.
std::optional<std::string> word_of(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return number_text(*number);
  if (const auto* number = node.as_floating_point()) return number_text(number->get());
  return std::nullopt;
}

// One file, while it is read.
class Reader {
 public:
  explicit Reader(std::string path) : path_{std::move(path)} {}

  void read(const toml::table& table) {
    for (const auto& [key, node] : table) read(key, node);
    if (!app_.empty()) {
      middleware_.insert(middleware_.begin(), app_.begin(), app_.end());
      source.arguments = SourceArguments{middleware_, origin_};
    } else if (!middleware_.empty()) {
      throw UsageError{path_ + ": middleware: expected an app, too"};
    }
  }

  SettingsSource source;

 private:
  void read(const toml::key& key, const toml::node& node) {
    std::string name{key.str()};
    std::ranges::replace(name, '_', '-');
    const std::string where = place_of(path_, node.source().begin) + ": ";
    if (name == "app" || name == "middleware" || name == "arguments") {
      read_arguments(name, node, where);
      return;
    }
    const Setting* const setting = find_setting(name);
    if (setting == nullptr) {
      throw UsageError{place_of(path_, key.source().begin) + ": there is no option \"" +
                       std::string{key.str()} + "\"" +
                       suggestion(name, [](const std::string& found) { return found; })};
    }
    const std::string said = where + "--" + setting->name;
    if (setting->where != Setting::Where::anywhere)
      refuse_setting(said, "only the command line may say that");
    if (std::ranges::find(source.values, setting, &SourceValue::setting) != source.values.end())
      refuse_setting(said, "expected only once");
    source.values.push_back(
        {setting, values_of(*setting, node, said), line_of(path_, node.source().begin), said});
  }

  void read_arguments(const std::string& name, const toml::node& node, const std::string& where) {
    std::vector<std::string> words = words_of(node, where + name, name == "app");
    origin_ = line_of(path_, node.source().begin);
    if (name == "app") {
      app_ = std::move(words);
    } else if (name == "middleware") {
      middleware_ = std::move(words);
    } else {
      source.arguments = SourceArguments{std::move(words), origin_};
    }
    if (source.arguments && !(app_.empty() && middleware_.empty()))
      refuse_setting(where + name, "expected app and middleware, or arguments, not both");
  }

  static std::vector<std::string> words_of(const toml::node& node, const std::string& said,
                                           bool one) {
    if (const auto word = word_of(node)) return {*word};
    const char* const expected = one ? "expected a text" : "expected a list of texts";
    const toml::array* const array = node.as_array();
    if (array == nullptr || one) refuse_setting(said, expected);
    std::vector<std::string> words;
    for (const toml::node& each : *array) {
      const auto word = word_of(each);
      if (!word) refuse_setting(said, expected);
      words.push_back(*word);
    }
    return words;
  }

  static std::vector<std::string> variables_of(const toml::table& table, const std::string& said) {
    std::vector<std::string> variables;
    for (const auto& [key, node] : table) {
      const auto word = word_of(node);
      if (!word) refuse_setting(said, "expected a text for " + std::string{key.str()});
      variables.push_back(std::string{key.str()} + "=" + *word);
    }
    return variables;
  }

  static std::vector<std::string> values_of(const Setting& setting, const toml::node& node,
                                            const std::string& said) {
    const bool may_be_switch = setting.takes == Takes::nothing || setting.takes == Takes::perhaps;
    if (const auto* on = node.as_boolean(); may_be_switch && on != nullptr)
      return on->get() ? std::vector<std::string>{""} : std::vector<std::string>{};
    if (setting.takes == Takes::nothing) refuse_setting(said, "expected true or false");
    const bool is_env = std::string_view{setting.name} == "env";
    if (const auto* table = node.as_table(); is_env && table != nullptr)
      return variables_of(*table, said);
    if (setting.takes == Takes::values) return words_of(node, said, false);
    const auto word = word_of(node);
    if (!word)
      refuse_setting(said, may_be_switch ? "expected a text, a number, true or false"
                                         : "expected a text or a number");
    return {*word};
  }

  const std::string path_;
  std::vector<std::string> app_, middleware_;
  std::string origin_;
};

}  // namespace

SettingsSource read_settings_file(const std::string& path) {
  const toml::table whole = parsed(path);
  const toml::table* table = &whole;
  if (is_project(path)) {
    table = whole["tool"]["spawning"].as_table();
    if (table == nullptr) throw UsageError{"--config: " + path + " has no [tool.spawning]"};
  }
  Reader reader{path};
  reader.read(*table);
  return std::move(reader.source);
}

std::optional<std::string> find_project_file(const std::string& directory) {
  std::string path = (std::filesystem::path{directory} / kProjectFile).lexically_normal().string();
  std::ifstream file{path};
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) return std::nullopt;
  // Other tools may live with a file that we cannot read, unless it is meant for us.
  if (text.str().find("tool.spawning") == std::string::npos) return std::nullopt;
  if (parsed(path)["tool"]["spawning"].as_table() == nullptr) return std::nullopt;
  return path;
}

}  // namespace spawning::cli
