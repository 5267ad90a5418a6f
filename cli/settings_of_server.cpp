// SPDX-License-Identifier: MIT
#include "setting_tables.hpp"

#include <algorithm>
#include <array>

#include "option_values.hpp"
#include "spawning/address.hpp"
#include "spawning/error.hpp"

namespace spawning::cli {
namespace {

using Takes = Setting::Takes;
using Value = const std::string&;

constexpr unsigned kMostProcesses = 1024;
constexpr unsigned kMostThreads = 1024;
constexpr unsigned kMostInterpreters = 256;
constexpr unsigned kMostHeaders = 10'000;
constexpr unsigned kMostConnections = 1'000'000;
constexpr unsigned kMostRequests = 1'000'000'000;
constexpr Bytes kGiB{std::uint64_t{1} << 30};
constexpr Bytes kLargestBody{1024 * kGiB.count};

void store_factory(Options& options, Value value) { options.factory = value; }

void store_host(Options& options, Value value) { options.host = without_brackets(value); }

void store_bind(Options& options, Value value) {
  try {
    static_cast<void>(BindAddress::parse(value));
  } catch (const StartupError& error) {
    throw UsageError{error.what()};
  }
  options.bind.push_back(value);
}

void store_processes(Options& options, Value value) {
  options.processes_auto = value == "auto";
  if (options.processes_auto) return;
  try {
    options.processes = read_number(value, 1, kMostProcesses);
  } catch (const UsageError&) {
    throw UsageError{"expected auto or a number from 1 to " + std::to_string(kMostProcesses) +
                     ", not \"" + value + "\""};
  }
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
    Setting{"processes", 's', "N", "4",
            "worker processes; auto: one a processor, if quota and memory suffice", Takes::value,
            store_processes},
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
    Setting{
        "interpreters", '\0', "N", "0",
        "an experiment, for Python 3.13 and later: interpreters in each worker, each with a lock "
        "(GIL), an application and --threads of its own; 0: one, as usual",
        Takes::value,
        [](Options& o, Value v) { o.interpreters = read_number(v, 0, kMostInterpreters); }},
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

}  // namespace

std::span<const Setting> server_settings() { return kServer; }

std::span<const Setting> http_settings() { return kHttp; }

std::span<const Setting> limits_settings() { return kLimits; }

}  // namespace spawning::cli
