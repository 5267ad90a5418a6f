// SPDX-License-Identifier: MIT
#include "spawning/scoreboard.hpp"

#include <chrono>
#include <string>

#include "support/allocation_report.hpp"

namespace spawning::bench {
namespace {

using namespace std::chrono_literals;

const Address kClient{Address::Family::ipv4, 4711, "192.0.2.1"};

// One worker, as a supervisor and its own threads see it.
struct Slot {
  Scoreboard board = Scoreboard::create(1);
  ScoreboardPublisher counters{board.slot(0)};
  RunningPublisher requests{board.running(0)};
};

Slot& shared_slot() {
  static Slot slot;  // of all threads of a benchmark
  return slot;
}

Request a_request(std::string_view target) {
  return {.method = "GET", .target = target, .client = &kClient};
}

ExchangeRecord a_record() {
  ExchangeRecord record;
  record.method = "GET";
  record.status = 200;
  record.body_octets = 12'345;
  record.duration = 1234us;
  record.queued = 56us;
  return record;
}

// What the counters and histograms of an exchange cost.
void count(benchmark::State& state) {
  Slot& slot = shared_slot();
  const ExchangeRecord record = a_record();
  const AllocationReport report{state};
  for (auto _ : state) slot.counters.exchange_ended(record);
}
BENCHMARK(count)->Threads(1)->Threads(2);

// What it costs to list a request and to take it from the list.
void list(benchmark::State& state) {
  Slot& slot = shared_slot();
  const Request request = a_request("/things/4711?colour=blue");
  const AllocationReport report{state};
  for (auto _ : state) const RunningPublisher::Turn turn{&slot.requests, request};
}
BENCHMARK(list)->Threads(1)->Threads(2);

// A request in all, as WorkerPool and Server publish it.
void publish(benchmark::State& state) {
  Slot& slot = shared_slot();
  const std::string target =
      "/things/4711?colour=" + std::string(static_cast<std::size_t>(state.range(0)), 'b');
  const Request request = a_request(target);
  const ExchangeRecord record = a_record();
  const AllocationReport report{state};
  for (auto _ : state) {
    const RunningPublisher::Turn turn{&slot.requests, request};
    slot.counters.exchange_ended(record);
  }
}
BENCHMARK(publish)->ArgName("more")->Arg(4)->Arg(500)->Threads(1)->Threads(2);

// What a look costs the supervisor.
void look(benchmark::State& state) {
  Slot& slot = shared_slot();
  const Request request = a_request("/things/4711?colour=blue");
  const RunningPublisher::Turn turn{&slot.requests, request};
  for (auto _ : state) benchmark::DoNotOptimize(slot.board.running(0).list());
}
BENCHMARK(look);

}  // namespace
}  // namespace spawning::bench
