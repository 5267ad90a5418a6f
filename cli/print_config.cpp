// SPDX-License-Identifier: MIT
#include "print_config.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "settings.hpp"

namespace spawning::cli {
namespace {

struct Row {
  std::string name, value, origin;
};

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : " ") + text;
  return all;
}

Row row_of(const Setting& setting, const Options& options) {
  const Given* const given = find_given(options, setting.name);
  if (given == nullptr) {
    const bool is_switch = setting.takes == Setting::Takes::nothing;
    const char* const otherwise = is_switch ? "off" : "none";
    return {setting.name, setting.fallback != nullptr ? setting.fallback : otherwise, "default"};
  }
  std::string value = setting.takes == Setting::Takes::nothing ? "on" : joined(given->values);
  const bool is_on = value.empty() && setting.takes == Setting::Takes::perhaps;
  if (is_on) value = "on";
  return {setting.name, value.empty() ? "\"\"" : value, given->origin};
}

// Up to so many columns; what is longer makes its own line longer only.
std::size_t width_of(const std::vector<Row>& rows, std::string Row::*column) {
  constexpr std::size_t kMost = 40;
  std::size_t width = 0;
  for (const Row& row : rows) {
    if ((row.*column).size() <= kMost) width = std::max(width, (row.*column).size());
  }
  return width;
}

void append(std::string& text, std::string cell, std::size_t width) {
  if (cell.size() < width) cell.resize(width, ' ');
  text += cell + "  ";
}

// No control character of a value reaches a terminal.
std::string printable(std::string text) {
  const auto is_control = [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; };
  std::ranges::replace_if(text, is_control, '?');
  return text;
}

}  // namespace

std::string config_text(const Options& options) {
  const bool none = options.arguments.empty();
  std::vector<Row> rows{{"arguments", none ? "none" : joined(options.arguments),
                         none ? "default" : options.arguments_origin}};
  for (const SettingGroup& group : setting_groups()) {
    for (const Setting& setting : group.settings) {
      const bool is_act =
          std::string_view{setting.name} == "print-config" ||
          std::string_view{setting.name} == "help" || std::string_view{setting.name} == "version" ||
          std::string_view{setting.name} == "top" || std::string_view{setting.name} == "check";
      if (!is_act) rows.push_back(row_of(setting, options));
    }
  }
  const std::size_t names = width_of(rows, &Row::name), values = width_of(rows, &Row::value);
  std::string text;
  for (const Row& row : rows) {
    append(text, row.name, names);
    append(text, printable(row.value), values);
    text += printable(row.origin) + '\n';
  }
  return text;
}

void log_remarks(const Log& log, const Options& options) {
  for (const std::string& remark : options.remarks) log.warning(remark);
}

void log_sources(const Log& log, const Options& options) {
  const Given* const file = find_given(options, "config");
  if (file != nullptr && file->origin == "working directory")
    log.info("options of [tool.spawning] in " + options.config_file + " count");
  const Given* const port = find_given(options, "port");
  if (port == nullptr || port->origin != "$PORT") return;
  const Given* const host = find_given(options, "host");
  if (host == nullptr || host->origin != port->origin) return;
  log.info("$PORT is set: port " + port->values.front() + " of every interface, 0.0.0.0");
}

}  // namespace spawning::cli
