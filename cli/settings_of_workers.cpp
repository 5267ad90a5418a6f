// SPDX-License-Identifier: MIT
#include "setting_tables.hpp"

#include <array>

#include "option_values.hpp"
#include "spawning/error.hpp"

namespace spawning::cli {
namespace {

using Takes = Setting::Takes;
using Value = const std::string&;

constexpr unsigned kMostProcesses = 1024;
constexpr unsigned kMostRequests = 1'000'000'000;
constexpr std::chrono::seconds kLongestDelay = std::chrono::hours{1};
constexpr std::chrono::seconds kOldest = std::chrono::hours{24 * 365};
constexpr Bytes kGiB{std::uint64_t{1} << 30};

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

}  // namespace

std::span<const Setting> timeouts_settings() { return kTimeouts; }

std::span<const Setting> replacement_settings() { return kReplacement; }

std::span<const Setting> proxies_settings() { return kProxies; }

std::span<const Setting> reload_settings() { return kReload; }

}  // namespace spawning::cli
