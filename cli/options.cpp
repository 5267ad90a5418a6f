// SPDX-License-Identifier: MIT
#include "options.hpp"

#include <algorithm>
#include <array>
#include <boost/program_options.hpp>
#include <charconv>
#include <string_view>

#include "spawning/address.hpp"
#include "spawning/error.hpp"

namespace spawning::cli {
namespace {

namespace po = boost::program_options;

constexpr unsigned kMostProcesses = 1024;
constexpr unsigned kMostThreads = 1024;

unsigned number(const std::string& value, unsigned least, unsigned most) {
  unsigned parsed = 0;
  const char* const end = value.data() + value.size();
  const auto result = std::from_chars(value.data(), end, parsed);
  if (result.ec != std::errc{} || result.ptr != end || parsed < least || parsed > most) {
    throw UsageError{"expected a number from " + std::to_string(least) + " to " +
                     std::to_string(most) + ", not \"" + value + "\""};
  }
  return parsed;
}

void store_host(Options& options, const std::string& value) {
  if (value.empty()) throw UsageError{"expected an address or a host name"};
  const bool brackets = value.front() == '[' && value.back() == ']';
  options.host = brackets ? value.substr(1, value.size() - 2) : value;
}

void store_bind(Options& options, const std::string& value) {
  try {
    static_cast<void>(BindAddress::parse(value));
  } catch (const StartupError& error) {
    throw UsageError{error.what()};
  }
  options.bind.push_back(value);
}

void store_threads(Options& options, const std::string& value) {
  if (value == "0")
    throw UsageError{"expected at least 1; 0, cooperative greenlets, is not available yet"};
  options.threads = number(value, 1, kMostThreads);
}

void store_python(Options& options, const std::string& value) {
  if (value.empty()) throw UsageError{"expected the path of a Python interpreter"};
  options.python = value;
}

constexpr std::array<Setting, 10> kSettings{{
    {"host", 'i', "HOST", "127.0.0.1", "address to bind: IPv4, IPv6, or a name", false, store_host},
    {"port", 'p', "PORT", "8080", "port to bind; 0 picks a free one and prints it", false,
     [](Options& o, const std::string& v) {
       o.port = static_cast<std::uint16_t>(number(v, 0, 65'535));
     }},
    {"bind", 'b', "ADDRESS", nullptr,
     "HOST:PORT, [IPV6]:PORT, unix:PATH or fd://N instead of host and port; may be repeated", true,
     store_bind},
    {"processes", 's', "N", "4", "worker processes", false,
     [](Options& o, const std::string& v) { o.processes = number(v, 1, kMostProcesses); }},
    {"threads", 't', "N", "4", "threads that call the application in each worker", false,
     store_threads},
    {"python", '\0', "PATH", nullptr,
     "the interpreter for the workers; otherwise that of the virtual environment which spawn is "
     "in, else "
     "$VIRTUAL_ENV's, else python3",
     false, store_python},
    {"no-keepalive", '\0', nullptr, nullptr, "one request a connection", false,
     [](Options& o, const std::string&) { o.no_keepalive = true; }},
    {"verbose", 'v', nullptr, nullptr, "print the resolved configuration, and log details", false,
     [](Options& o, const std::string&) { o.verbose = true; }},
    {"version", '\0', nullptr, nullptr, "print the version and exit", false,
     [](Options& o, const std::string&) { o.version = true; }},
    {"help", 'h', nullptr, nullptr, "print this help and exit", false,
     [](Options& o, const std::string&) { o.help = true; }},
}};

constexpr const char* kArguments = "arguments";  // APP, MIDDLEWARE…: no option, see parse()

po::options_description descriptions() {
  po::options_description all;
  for (const Setting& setting : kSettings) {
    std::string names = setting.name;
    if (setting.short_name != '\0') names += std::string{","} + setting.short_name;
    if (setting.argument == nullptr) {
      all.add_options()(names.c_str(), "");
    } else {
      all.add_options()(names.c_str(), po::value<std::vector<std::string>>()->composing(), "");
    }
  }
  return all;
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

const Setting* find_setting(std::string_view name) {
  for (const Setting& setting : kSettings) {
    if (setting.name == name) return &setting;
  }
  return nullptr;
}

void store(Options& options, const Setting& setting, const po::option& given) {
  try {
    setting.store(options, given.value.empty() ? "" : given.value.front());
  } catch (const UsageError& error) {
    throw UsageError{"--" + std::string{setting.name} + ": " + error.what()};
  }
}

// "text" in lines of at most `width`, each but the first after `indent` blanks.
std::string wrapped(std::string_view text, std::size_t indent, std::size_t width) {
  std::string lines;
  while (text.size() > width) {
    const std::size_t cut = text.rfind(' ', width);
    lines += std::string{text.substr(0, cut)} + '\n' + std::string(indent, ' ');
    text.remove_prefix(cut + 1);
  }
  return lines + std::string{text};
}

}  // namespace

std::span<const Setting> settings() { return kSettings; }

Options parse_options(const std::vector<std::string>& arguments) {
  Options options;
  std::vector<const Setting*> seen;
  for (const po::option& given : parse(arguments)) {
    const Setting* setting = find_setting(given.string_key);
    if (setting == nullptr) {
      options.arguments.insert(options.arguments.end(), given.value.begin(), given.value.end());
      continue;
    }
    const bool again = std::find(seen.begin(), seen.end(), setting) != seen.end();
    if (again && !setting->repeatable && setting->argument != nullptr) {
      throw UsageError{"--" + std::string{setting->name} + ": expected only once"};
    }
    seen.push_back(setting);
    store(options, *setting, given);
  }
  if (options.arguments.empty() && !options.help && !options.version) {
    throw UsageError{
        "APP is missing: expected the dotted path of an application, as package.module.callable"};
  }
  return options;
}

std::string help_text() {
  constexpr std::size_t kColumn = 26, kWidth = 100;
  std::string text =
      "usage: spawn [OPTION ...] APP [MIDDLEWARE ...]\n"
      "\n"
      "Serves the WSGI application APP, a dotted path such as package.module.callable, wrapped by\n"
      "each MIDDLEWARE in the order given.\n"
      "\n";
  for (const Setting& setting : kSettings) {
    std::string line =
        setting.short_name == '\0' ? "      --" : std::string{"  -"} + setting.short_name + ", --";
    line += setting.name;
    if (setting.argument != nullptr) line += std::string{" "} + setting.argument;
    line.resize(std::max(line.size() + 2, kColumn), ' ');
    std::string help = setting.help;
    if (setting.fallback != nullptr) help += std::string{" (default "} + setting.fallback + ")";
    text += line + wrapped(help, kColumn, kWidth - kColumn) + '\n';
  }
  return text +
         "\n"
         "Signals: TERM and INT stop gracefully, a second one or QUIT at once; HUP reloads; TTIN "
         "and TTOU\n"
         "add and remove a worker.\n";
}

}  // namespace spawning::cli
