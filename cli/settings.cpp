// SPDX-License-Identifier: MIT
#include "settings.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "option_values.hpp"
#include "spawning/address.hpp"
#include "spawning/error.hpp"
#include "spawning/log_format.hpp"

namespace spawning::cli {
namespace {

using Takes = Setting::Takes;
using Value = const std::string&;

constexpr unsigned kMostProcesses = 1024;
constexpr unsigned kMostThreads = 1024;
constexpr unsigned kMostHeaders = 10'000;
constexpr unsigned kMostConnections = 1'000'000;
constexpr unsigned kMostRequests = 1'000'000'000;
constexpr std::chrono::seconds kLongestDelay = std::chrono::hours{1};
constexpr std::chrono::seconds kOldest = std::chrono::hours{24 * 365};
constexpr const char* kBackdoor = "127.0.0.1:3000";  // where Spawning has it
constexpr Bytes kGiB{std::uint64_t{1} << 30};
constexpr Bytes kLargestBody{1024 * kGiB.count};

std::string without_brackets(Value value) {
  const bool brackets = value.front() == '[' && value.back() == ']';
  return brackets ? value.substr(1, value.size() - 2) : value;
}

void store_host(Options& options, Value value) { options.host = without_brackets(value); }

void store_bind(Options& options, Value value) {
  try {
    static_cast<void>(BindAddress::parse(value));
  } catch (const StartupError& error) {
    throw UsageError{error.what()};
  }
  options.bind.push_back(value);
}

void store_green(Options& options, Value value) {
  if (value != "auto" && value != "gevent" && value != "eventlet")
    throw UsageError{"expected auto, gevent or eventlet, not \"" + value + "\""};
  options.green = value;
}

void store_server_header(Options& options, Value value) {
  const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
  const bool blanks_around = !value.empty() && (value.front() == ' ' || value.back() == ' ');
  if (blanks_around || !std::ranges::all_of(value, printable))
    throw UsageError{"expected printable ASCII without blanks around it, not \"" + value + "\""};
  options.http.server = value;
}

void store_header_map(Options& options, Value value) {
  if (value == "drop") {
    options.http.header_map = HeaderMap::drop;
  } else if (value == "refuse") {
    options.http.header_map = HeaderMap::refuse;
  } else if (value == "dangerous") {
    options.http.header_map = HeaderMap::dangerous;
  } else {
    throw UsageError{"expected drop, refuse or dangerous, not \"" + value + "\""};
  }
}

void store_forwarded_allow_ips(Options& options, Value value) {
  try {
    options.http.forwarded_allow = TrustedProxies::parse(value);
  } catch (const StartupError& error) {
    throw UsageError{error.what()};
  }
}

void store_reload(Options& options, Value value) {
  if (value != "dev") throw UsageError{"expected dev, not \"" + value + "\""};
  options.reload_dev = true;
}

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

void store_factory(Options& options, Value value) { options.factory = value; }

constexpr std::array kServer{
    Setting{"factory", 'f', "FACTORY", kDefaultFactory,
            "the config factory, a dotted path; it takes the arguments, here those of the default "
            "one, and says what to serve",
            Takes::value, store_factory},
    Setting{"host", 'i', "HOST", "127.0.0.1", "address to bind: IPv4, IPv6, or a name",
            Takes::value, store_host},
    Setting{"port", 'p', "PORT", "8080", "port to bind; 0 picks a free one and prints it",
            Takes::value,
            [](Options& o, Value v) {
              o.port = static_cast<std::uint16_t>(read_number(v, 0, 65'535));
            }},
    Setting{"bind", 'b', "ADDRESS", nullptr,
            "HOST:PORT, [IPV6]:PORT, unix:PATH or fd://N instead of host and port; may be "
            "repeated",
            Takes::values, store_bind},
    Setting{"umask", '\0', "MODE", nullptr,
            "octal: the permissions that UNIX sockets, and files that workers create, do not get; "
            "otherwise as inherited",
            Takes::value, [](Options& o, Value v) { o.umask = read_mode(v); }},
    Setting{"processes", 's', "N", "4", "worker processes", Takes::value,
            [](Options& o, Value v) { o.processes = read_number(v, 1, kMostProcesses); }},
    Setting{"threads", 't', "N", "4",
            "threads that call the application in each worker; 0: a greenlet a request",
            Takes::value, [](Options& o, Value v) { o.threads = read_number(v, 0, kMostThreads); }},
    Setting{"green", '\0', "HUB", "auto",
            "with --threads 0: gevent or eventlet; auto: whichever is installed", Takes::value,
            store_green},
    Setting{
        "worker-connections", '\0', "N", "1000",
        "with --threads 0: requests that run at a time in a worker; more of them wait",
        Takes::value,
        [](Options& o, Value v) { o.worker_connections = read_number(v, 1, kMostConnections); }},
    Setting{
        "hub-stall", '\0', "S", "1",
        "with --threads 0: the log has the stack of a greenlet that keeps all others waiting for "
        "so long; 0: it has not",
        Takes::value, [](Options& o, Value v) { o.hub_stall = read_seconds_or_none(v); }},
    Setting{"python", '\0', "PATH", nullptr,
            "the interpreter for the workers; otherwise that of the virtual environment which "
            "spawn is in, else $VIRTUAL_ENV's, else python3",
            Takes::value, [](Options& o, Value v) { o.python = v; }},
};

constexpr std::array kHttp{
    Setting{"no-keepalive", '\0', nullptr, nullptr, "one request a connection", Takes::nothing,
            [](Options& o, Value) { o.http.keep_alive = false; }},
    Setting{
        "keepalive-requests", '\0', "N", "0", "requests a connection; 0: no limit", Takes::value,
        [](Options& o, Value v) { o.http.keep_alive_requests = read_number(v, 0, kMostRequests); }},
    Setting{"header-map", '\0', "HOW", "drop",
            "header names with an underscore, which could pass for one with a dash: drop, refuse "
            "or dangerous (pass them on)",
            Takes::value, store_header_map},
    Setting{"server-header", '\0', "TEXT", "Spawning", "the Server header; empty: none",
            Takes::text, store_server_header},
};

constexpr std::array kLimits{
    Setting{"limit-request-line", '\0', "SIZE", "8K", "the longest request line; over it: 414",
            Takes::value,
            [](Options& o, Value v) { o.http.limits.request_line = read_size(v, 256_B, 1_MiB); }},
    Setting{
        "limit-header-count", '\0', "N", "100", "headers of a request; over it: 431", Takes::value,
        [](Options& o, Value v) { o.http.limits.header_count = read_number(v, 1, kMostHeaders); }},
    Setting{"limit-headers", '\0', "SIZE", "64K", "all headers of a request together; over it: 431",
            Takes::value,
            [](Options& o, Value v) { o.http.limits.header_octets = read_size(v, 1_KiB, 16_MiB); }},
    Setting{"limit-body", '\0', "SIZE", "1G", "the largest body of a request; over it: 413",
            Takes::value,
            [](Options& o, Value v) { o.http.limits.body = read_size(v, 1_B, kLargestBody); }},
    Setting{
        "max-connections", '\0', "N", "10000", "connections of a worker; more wait to be accepted",
        Takes::value,
        [](Options& o, Value v) { o.http.max_connections = read_number(v, 1, kMostConnections); }},
};

constexpr std::array kTimeouts{
    Setting{"header-timeout", '\0', "S", "30", "for a client to send a whole head; over it: 408",
            Takes::value, [](Options& o, Value v) { o.http.timeouts.header = read_seconds(v); }},
    Setting{"body-timeout", '\0', "S", "30", "between two octets of a body; over it: 408",
            Takes::value, [](Options& o, Value v) { o.http.timeouts.body = read_seconds(v); }},
    Setting{"body-rate", '\0', "SIZE", "240",
            "the least that a body must bring a second on average; under it: 408; 0: any rate",
            Takes::value, [](Options& o, Value v) { o.http.body_rate = read_size(v, 0_B, kGiB); }},
    Setting{"write-timeout", '\0', "S", "30",
            "for a client to take some of a response; over it the connection is reset",
            Takes::value, [](Options& o, Value v) { o.http.timeouts.write = read_seconds(v); }},
    Setting{"keepalive-timeout", '\0', "S", "75",
            "between two requests; longer than the load balancer's, usually 60", Takes::value,
            [](Options& o, Value v) { o.http.timeouts.idle = read_seconds(v); }},
    Setting{"request-timeout", '\0', "S", "0",
            "for the application to answer; over it: 503, and the worker is replaced; 0: any time",
            Takes::value,
            [](Options& o, Value v) { o.http.request_timeouts.request = read_seconds_or_none(v); }},
    Setting{"queue-timeout", '\0', "S", "0",
            "for a request to wait for a thread; over it: 503; 0: any time", Takes::value,
            [](Options& o, Value v) { o.http.request_timeouts.queue = read_seconds_or_none(v); }},
    Setting{"boot-timeout", '\0', "S", "60",
            "for a worker to load the application; over it: it is killed", Takes::value,
            [](Options& o, Value v) { o.boot_timeout = read_seconds(v); }},
    Setting{"drain-delay", '\0', "S", "0",
            "from being told to stop to accepting nobody any more; answers announce it",
            Takes::value,
            [](Options& o, Value v) { o.drain_delay = read_seconds_or_none(v, kLongestDelay); }},
    Setting{"deadman", '\0', "S", "10",
            "for a worker that stops to finish its requests; over it: it is killed", Takes::value,
            [](Options& o, Value v) { o.deadman = read_seconds(v); }, "deadman_timeout"},
};

constexpr std::array kReplacement{
    Setting{"max-age", 'a', "S", "0",
            "seconds that a worker serves; those that began together go one after the other in "
            "the last quarter; 0: any time",
            Takes::value,
            [](Options& o, Value v) { o.replacement.age = read_seconds_or_none(v, kOldest); }},
    Setting{"max-requests", '\0', "N", "0", "requests that a worker answers; 0: any number",
            Takes::value,
            [](Options& o, Value v) { o.replacement.requests = read_number(v, 0, kMostRequests); }},
    Setting{"max-requests-jitter", '\0', "N", "0",
            "up to so many requests more, another number for each worker", Takes::value,
            [](Options& o, Value v) {
              o.replacement.requests_jitter = read_number(v, 0, kMostRequests);
            }},
    Setting{"max-memory", 'm', "SIZE", "0",
            "memory of all workers together; over it the largest is replaced. A plain number is in "
            "KiB, as in Spawning; 0: any",
            Takes::value,
            [](Options& o, Value v) { o.replacement.memory = read_memory_or_none(v); }},
    Setting{"max-worker-memory", '\0', "SIZE", "0",
            "memory of a worker. A plain number is in KiB; 0: any", Takes::value,
            [](Options& o, Value v) { o.replacement.worker_memory = read_memory_or_none(v); }},
};

constexpr std::array kProxies{
    Setting{"forwarded-allow-ips", '\0', "LIST", "127.0.0.1,::1",
            "the proxies whose Forwarded and X-Forwarded-* headers, and PROXY headers, are "
            "believed: addresses, networks, unix, *",
            Takes::text, store_forwarded_allow_ips},
    Setting{"proxy-protocol", '\0', nullptr, nullptr,
            "every connection begins with a PROXY header, version 1 or 2", Takes::nothing,
            [](Options& o, Value) { o.http.proxy_protocol = true; }},
};

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
            Takes::value, store_top},
};

constexpr std::array kReload{
    Setting{"watch", 'w', "PATH", nullptr,
            "reload gracefully when this file, or any in this directory, changes; may be repeated",
            Takes::values, [](Options& o, Value v) { o.watch.push_back(v); }},
    Setting{"reload", 'r', "WHEN", nullptr,
            "dev: reload gracefully when the file of any loaded module changes", Takes::value,
            store_reload},
    Setting{"surge", '\0', "N", "0",
            "workers more than --processes while reloading: so many at a time replace old ones; 0: "
            "all, and none serves before every one can",
            Takes::value, [](Options& o, Value v) { o.surge = read_number(v, 0, kMostProcesses); }},
    Setting{"watch-poll", '\0', "S", nullptr,
            "look at the files every S seconds, rather than be told by the kernel", Takes::value,
            [](Options& o, Value v) { o.watch_poll = read_seconds(v); }},
};

constexpr std::array kLogs{
    Setting{
        "access-log-file", 'l', "FILE", "-",
        "gets a line about every request; -: standard output; /dev/null: none is even formatted",
        Takes::value, [](Options& o, Value v) { o.access_log_file = v; }},
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
    Setting{"version", '\0', nullptr, nullptr, "print the version and exit", Takes::nothing,
            [](Options& o, Value) { o.version = true; }},
    Setting{"help", 'h', nullptr, nullptr, "print this help and exit", Takes::nothing,
            [](Options& o, Value) { o.help = true; }},
};

constexpr std::array kInternal{
    Setting{"z-restart-args", 'z', "JSON", nullptr,
            "where a supervisor that has executed itself anew finds its sockets and workers",
            Takes::value, [](Options& o, Value v) { o.restart_args = v; }},
};

constexpr std::array<SettingGroup, 12> kGroups{
    {{"Server", kServer},
     {"HTTP", kHttp},
     {"Limits", kLimits},
     {"Timeouts, in seconds", kTimeouts},
     {"Replacement of workers, successor first", kReplacement},
     {"Behind a proxy", kProxies},
     {"Reload", kReload},
     {"Status", kStatus},
     {"Logs", kLogs},
     {"Insight", kInsight},
     {"Daemon", kDaemon},
     {"Others", kOthers}}};

}  // namespace

std::span<const SettingGroup> setting_groups() { return kGroups; }

std::span<const Setting> internal_settings() { return kInternal; }

const Setting* find_setting(const std::string& name) {
  const auto find = [&name](std::span<const Setting> settings) -> const Setting* {
    const auto found = std::ranges::find_if(settings, [&name](const Setting& each) {
      return name == each.name || (each.old_name != nullptr && name == each.old_name);
    });
    return found == settings.end() ? nullptr : &*found;
  };
  for (const SettingGroup& group : kGroups) {
    if (const Setting* found = find(group.settings)) return found;
  }
  return find(kInternal);
}

}  // namespace spawning::cli
