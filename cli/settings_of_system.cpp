// SPDX-License-Identifier: MIT
#include "setting_tables.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "option_values.hpp"
#include "spawning/error.hpp"
#include "spawning/log_format.hpp"

namespace spawning::cli {
namespace {

using Takes = Setting::Takes;
using Where = Setting::Where;
using Value = const std::string&;

constexpr const char* kBackdoor = "127.0.0.1:3000";  // where Spawning has it

void store_top(Options& options, Value value) {
  try {
    options.top = StatusUrl::parse(value);
  } catch (const StartupError& error) {
    throw UsageError{error.what()};
  }
}

void store_access_log_format(Options& options, Value value) {
  try {
    static_cast<void>(LogFormat::parse(value));
  } catch (const StartupError& error) {
    throw UsageError{error.what()};
  }
  options.access_log_format = value;
}

void store_log_level(Options& options, Value value) {
  options.log_level = log_level_named(value);
  if (!options.log_level)
    throw UsageError{"expected debug, info, warning or error, not \"" + value + "\""};
}

void store_log_format(Options& options, Value value) {
  const auto style = log_style_named(value);
  if (!style) throw UsageError{"expected text or json, not \"" + value + "\""};
  options.log_format = *style;
}

void store_chuid(Options& options, Value value) {
  if (value.front() == ':' || value.back() == ':')
    throw UsageError{"expected USER or USER:GROUP, not \"" + value + "\""};
  options.chuid = value;
}

bool is_variable_name(std::string_view name) {
  constexpr std::string_view kDigits = "0123456789";
  constexpr std::string_view kAll =
      "0123456789_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  return !name.empty() && kDigits.find(name.front()) == kDigits.npos &&
         name.find_first_not_of(kAll) == name.npos;
}

void store_env(Options& options, Value value) {
  const std::string name = value.substr(0, value.find('='));
  if (name == value || !is_variable_name(name)) {
    throw UsageError{"expected NAME=VALUE, NAME of letters, digits and _, not \"" + value + "\""};
  }
  if (name.starts_with("SPAWNING_"))
    throw UsageError{"expected a NAME that does not begin with SPAWNING_, not \"" + name + "\""};
  std::erase_if(options.env,
                [&name](const std::string& each) { return each.starts_with(name + '='); });
  options.env.push_back(value);
}

constexpr std::array kStatus{
    Setting{"status-port", '\0', "PORT", nullptr,
            "port of a server that says how the service is: /status, /status.json, /metrics, "
            "/healthz, /readyz, /startupz; 0 picks a free one and logs it",
            Takes::value,
            [](Options& o, Value v) {
              o.status_port = static_cast<std::uint16_t>(read_number(v, 0, 65'535));
            }},
    Setting{"status-host", '\0', "HOST", nullptr, "address of that server; otherwise --host",
            Takes::value, [](Options& o, Value v) { o.status_host = without_brackets(v); }},
    Setting{"top", '\0', "URL", nullptr,
            "serve nothing, but show how the service is whose status server is at URL, such as "
            "http://127.0.0.1:9080 or 9080: again and again in a terminal, once elsewhere",
            Takes::value, store_top, nullptr, Where::command_line},
};

constexpr std::array kLogs{
    Setting{
        "access-log-file", 'l', "FILE", "-",
        "gets a line about every request; -: standard output; /dev/null: none is even formatted",
        Takes::value, [](Options& o, Value v) { o.access_log_file = v; }, "access-log"},
    Setting{"access-log-format", '\0', "FORMAT", "spawning",
            "spawning, common, combined, json, or a text with Apache's % directives", Takes::value,
            store_access_log_format},
    Setting{"request-id", '\0', nullptr, nullptr,
            "give every request an X-Request-ID, or take over that of a trusted proxy: for the "
            "application, the response and the log",
            Takes::nothing, [](Options& o, Value) { o.http.request_id = true; }},
    Setting{"log-level", '\0', "LEVEL", "info",
            "the least that the error log, on standard error, tells: debug, info, warning or "
            "error; with --verbose debug is the default",
            Takes::value, store_log_level},
    Setting{"log-format", '\0', "FORMAT", "text", "what the error log is in: text or json",
            Takes::value, store_log_format},
};

constexpr std::array kInsight{
    Setting{"coverage", 'c', nullptr, nullptr,
            "measure the application with coverage.py; everybody can see the report of all workers "
            "at /_coverage, and at /_coverage.json",
            Takes::nothing, [](Options& o, Value) { o.coverage = true; }},
    Setting{"sysinfo", '\0', nullptr, nullptr,
            "everybody can see what the machine and the interpreter are at /_sysinfo, as JSON",
            Takes::nothing, [](Options& o, Value) { o.sysinfo = true; }},
};

constexpr std::array kDaemon{
    Setting{"daemonize", 'd', nullptr, nullptr,
            "go to the background, and return once every worker of the first generation serves; "
            "with status 1 if they cannot",
            Takes::nothing, [](Options& o, Value) { o.daemonize = true; }},
    Setting{"pidfile", '\0', "FILE", nullptr,
            "gets the supervisor's pid, and is removed at the end; one whose process runs is an "
            "error",
            Takes::value, [](Options& o, Value v) { o.pidfile = v; }},
    Setting{"stdout", '\0', "FILE", nullptr,
            "standard output is appended there; of a daemon, from when it serves, otherwise to "
            "/dev/null",
            Takes::value, [](Options& o, Value v) { o.stdout_file = v; }},
    Setting{"stderr", '\0', "FILE", nullptr, "the same for standard error", Takes::value,
            [](Options& o, Value v) { o.stderr_file = v; }},
    Setting{"chuid", 'u', "USER[:GROUP]", nullptr,
            "become this user, by name or number, once sockets are bound and files are open",
            Takes::value, store_chuid},
    Setting{"chdir", '\0', "DIR", nullptr,
            "work there, and resolve other paths from there; resolved anew at each reload",
            Takes::value, [](Options& o, Value v) { o.chdir = v; }},
    Setting{"env", '\0', "NAME=VALUE", nullptr,
            "a variable in the environment of the workers; may be repeated", Takes::values,
            store_env},
};

constexpr std::array kOthers{
    Setting{"backdoor", '\0', "ADDRESS", nullptr,
            "a Python prompt inside a worker, for processes of this user and root, at "
            "127.0.0.1:3000 or ADDRESS: PORT, 127.0.0.1:PORT, [::1]:PORT or unix:PATH",
            Takes::perhaps,
            [](Options& o, Value v) { o.backdoor = read_private_address(v, kBackdoor); }},
    Setting{"verbose", 'v', nullptr, nullptr, "log the resolved configuration, and details",
            Takes::nothing, [](Options& o, Value) { o.verbose = true; }},
    Setting{"config", '\0', "FILE", nullptr,
            "options from this TOML file, or gunicorn's, if it is *.py; without it from "
            "[tool.spawning] in ./pyproject.toml, if that is there",
            Takes::value, [](Options& o, Value v) { o.config_file = v; }, nullptr,
            Where::command_line},
    Setting{"check", '\0', nullptr, nullptr,
            "load everything, the application too, bind and open nothing, say OK or why not, and "
            "exit",
            Takes::nothing, [](Options& o, Value) { o.check = true; }, nullptr,
            Where::command_line},
    Setting{"print-config", '\0', nullptr, nullptr,
            "print every option, its value and where that is from, and exit", Takes::nothing,
            [](Options& o, Value) { o.print_config = true; }, nullptr, Where::command_line},
    Setting{"version", '\0', nullptr, nullptr, "print the version and exit", Takes::nothing,
            [](Options& o, Value) { o.version = true; }, nullptr, Where::command_line},
    Setting{"help", 'h', nullptr, nullptr, "print this help and exit", Takes::nothing,
            [](Options& o, Value) { o.help = true; }, nullptr, Where::command_line},
};

constexpr std::array kInternal{
    Setting{"z-restart-args", 'z', "JSON", nullptr,
            "where a supervisor that has executed itself anew finds its sockets and workers",
            Takes::value, [](Options& o, Value v) { o.restart_args = v; }, nullptr,
            Where::command_line},
};

}  // namespace

std::span<const Setting> status_settings() { return kStatus; }

std::span<const Setting> logs_settings() { return kLogs; }

std::span<const Setting> insight_settings() { return kInsight; }

std::span<const Setting> daemon_settings() { return kDaemon; }

std::span<const Setting> others_settings() { return kOthers; }

std::span<const Setting> internal_settings() { return kInternal; }

}  // namespace spawning::cli
