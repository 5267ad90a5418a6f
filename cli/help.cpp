// SPDX-License-Identifier: MIT
#include "help.hpp"

#include <algorithm>
#include <string_view>

#include "settings.hpp"

namespace spawning::cli {
namespace {

constexpr std::size_t kColumn = 30, kWidth = 80;
constexpr char kNoBreak = '\x01';  // a blank where no line ends

// "text" in lines of at most `width`, each but the first after `indent` blanks.
std::string wrapped(std::string_view text, std::size_t indent, std::size_t width) {
  std::string lines;
  while (text.size() > width) {
    const std::size_t cut = text.rfind(' ', width);
    lines += std::string{text.substr(0, cut)} + '\n' + std::string(indent, ' ');
    text.remove_prefix(cut + 1);
  }
  lines += text;
  std::ranges::replace(lines, kNoBreak, ' ');
  return lines;
}

std::string described(const Setting& setting) {
  std::string line =
      setting.short_name == '\0' ? "      --" : std::string{"  -"} + setting.short_name + ", --";
  line += setting.name;
  if (setting.takes == Setting::Takes::perhaps) {
    line += std::string{"[="} + setting.argument + "]";
  } else if (setting.argument != nullptr) {
    line += std::string{" "} + setting.argument;
  }
  if (line.size() + 2 > kColumn) line += '\n' + std::string(kColumn, ' ');
  if (line.size() < kColumn) line.resize(kColumn, ' ');
  std::string help = setting.help;
  if (setting.fallback != nullptr)
    help += std::string{" (default"} + kNoBreak + setting.fallback + ")";
  return line + wrapped(help, kColumn, kWidth - kColumn) + '\n';
}

}  // namespace

std::string help_text() {
  std::string text =
      "usage: spawn [OPTION ...] APP [MIDDLEWARE ...]\n"
      "       spawn --factory FACTORY [OPTION ...] [ARGUMENT ...]\n"
      "\n"
      "Serves the WSGI application APP, a dotted path such as package.module.callable,\n"
      "wrapped by each MIDDLEWARE in the order given.\n";
  for (const SettingGroup& group : setting_groups()) {
    text += std::string{"\n"} + group.heading + ":\n";
    for (const Setting& setting : group.settings) text += described(setting);
  }
  return text +
         "\n"
         "A SIZE is in octets, or with K, M or G of 1024.\n"
         "\n"
         "Signals: TERM and INT stop gracefully, a second one or QUIT at once; HUP\n"
         "reloads; TTIN and TTOU add and remove a worker; USR1 opens the log files\n"
         "anew; USR2 executes spawn anew, of which nobody notices anything.\n";
}

}  // namespace spawning::cli
