// SPDX-License-Identifier: MIT
#include "spawning/worker_pool.hpp"

#include <unistd.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "support/allocation_report.hpp"
#include "support/recording_exchange.hpp"

namespace spawning::bench {
namespace {

class Counter : public Handler {
 public:
  void handle(Request, Responder responder) override {
    responder.abort();
    ran.fetch_add(1, std::memory_order_release);
  }
  std::atomic<std::int64_t> ran{0};
};

// What a call costs where nobody sleeps: queued and run by the same thread, 64 at a time.
void queue_and_run(benchmark::State& state) {
  Counter counter;
  const Log log{STDERR_FILENO, "bench"};
  WorkerPool pool{counter, log};
  const ConnectionInfo connection;
  const Request request{
      .method = "GET", .path = "/", .connection = &connection, .client = &connection.peer};
  const auto exchange = std::make_shared<test::RecordingExchange>();
  constexpr int kBatch = 64;
  const auto batch = [&] {
    for (int i = 0; i < kBatch; ++i) pool.handle(request, Responder{exchange});
    while (pool.run_one()) {
    }
  };
  batch();
  const AllocationReport report{state, kBatch};
  for (auto _ : state) batch();
  state.SetItemsProcessed(state.iterations() * kBatch);
}
BENCHMARK(queue_and_run);

// The hop: a batch is queued here and run on other threads.
void hand_over(benchmark::State& state) {
  Counter counter;
  const Log log{STDERR_FILENO, "bench"};
  WorkerPool pool{counter, log};
  const ConnectionInfo connection;
  const Request request{
      .method = "GET", .path = "/", .connection = &connection, .client = &connection.peer};
  const auto exchange = std::make_shared<test::RecordingExchange>();
  std::vector<std::thread> threads;
  for (std::int64_t i = 0; i < state.range(0); ++i) threads.emplace_back([&] { pool.run(); });
  constexpr int kBatch = 64;
  std::int64_t queued = 0;
  for (auto _ : state) {
    for (int i = 0; i < kBatch; ++i) pool.handle(request, Responder{exchange});
    queued += kBatch;
    while (counter.ran.load(std::memory_order_acquire) < queued) std::this_thread::yield();
  }
  state.SetItemsProcessed(state.iterations() * kBatch);
  pool.stop();
  for (auto& thread : threads) thread.join();
}
BENCHMARK(hand_over)->Arg(1)->Arg(4)->UseRealTime();

}  // namespace
}  // namespace spawning::bench
