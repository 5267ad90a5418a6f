// SPDX-License-Identifier: MIT
#include "spawning/access_log.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>

#include "support/allocation_report.hpp"

namespace spawning::bench {
namespace {

const Address kClient{Address::Family::ipv4, 4711, "192.0.2.1"};
const ConnectionInfo kConnection{kClient, {Address::Family::ipv4, 8080, "10.0.0.1"}};
constexpr std::array kHeaders{
    Header{"Host", "shop.example"}, Header{"Accept", "*/*"},
    Header{"User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"},
    Header{"Referer", "https://shop.example/things?page=2"}};

ExchangeRecord a_record() {
  ExchangeRecord record;
  record.method = "GET";
  record.target = "/things/4711?colour=blue";
  record.path = "/things/4711";
  record.query = "colour=blue";
  record.host = "shop.example";
  record.headers = kHeaders;
  record.response_head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n";
  record.status = 200;
  record.body_octets = 12'345;
  record.duration = std::chrono::microseconds{1234};
  record.connection = &kConnection;
  record.client = &kClient;
  return record;
}

void format(benchmark::State& state, std::string_view name) {
  LogFormat steps = LogFormat::parse(name);
  const ExchangeRecord record = a_record();
  std::string line(1024, ' ');
  const auto now = std::chrono::system_clock::now();
  const AllocationReport report{state};
  for (auto _ : state) {
    line.clear();
    steps.append({.record = record, .ended = now}, line);
    benchmark::DoNotOptimize(line.data());
  }
  state.counters["octets"] = static_cast<double>(line.size());
}
BENCHMARK_CAPTURE(format, spawning, "spawning");
BENCHMARK_CAPTURE(format, combined, "combined");
BENCHMARK_CAPTURE(format, json, "json");

// What an exchange costs whoever ends it; the file is emptied now and then.
void log_to(benchmark::State& state, int destination) {
  const Log log{STDERR_FILENO, "bench"};
  AccessLog access_log{LogFormat::parse("spawning"), UniqueFd{::dup(destination)}, log};
  const ExchangeRecord record = a_record();
  const AllocationReport report{state};
  std::uint64_t count = 0;
  for (auto _ : state) {
    access_log.exchange_ended(record);
    if (++count % 8192 != 0) continue;
    state.PauseTiming();
    benchmark::DoNotOptimize(access_log.flush(std::chrono::seconds{10}));
    if (::ftruncate(destination, 0) != 0) benchmark::DoNotOptimize(destination);  // /dev/null
    state.ResumeTiming();
  }
  state.counters["lost"] = static_cast<double>(access_log.lost());
}

void to_a_file(benchmark::State& state) {
  const UniqueFd file{::memfd_create("access log", MFD_CLOEXEC)};
  log_to(state, file.get());
}
BENCHMARK(to_a_file);

void to_the_null_device(benchmark::State& state) {
  const UniqueFd null{::open("/dev/null", O_WRONLY | O_APPEND | O_CLOEXEC)};
  log_to(state, null.get());
}
BENCHMARK(to_the_null_device);

}  // namespace
}  // namespace spawning::bench
