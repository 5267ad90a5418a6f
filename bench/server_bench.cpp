// SPDX-License-Identifier: MIT
#include "spawning/server.hpp"

#include <string>
#include <thread>

#include "spawning/worker_pool.hpp"
#include "support/allocation_report.hpp"
#include "support/one_connection.hpp"
#include "support/sample_requests.hpp"

namespace spawning::bench {
namespace {

void exchange(benchmark::State& state, Handler& handler, std::string_view request) {
  OneConnection connection{handler};
  const std::size_t length = connection.measure(request);
  const AllocationReport report{state};
  for (auto _ : state) {
    connection.send(request);
    connection.receive(length);
  }
}

void hello(benchmark::State& state) {
  Hello handler;
  exchange(state, handler, kUsualRequest);
}
BENCHMARK(hello);

void pipelined_by_16(benchmark::State& state) {
  Hello handler;
  OneConnection connection{handler};
  const std::size_t length = 16 * connection.measure(kUsualRequest);
  std::string requests;
  for (int i = 0; i < 16; ++i) requests += kUsualRequest;
  const AllocationReport report{state, 16};
  for (auto _ : state) {
    connection.send(requests);
    connection.receive(length);
  }
  state.SetItemsProcessed(state.iterations() * 16);
}
BENCHMARK(pipelined_by_16);

void echo_16_kib(benchmark::State& state) {
  Echo handler;
  exchange(state, handler, echo_request(16384));
}
BENCHMARK(echo_16_kib);

// With the hop to a donated thread and back.
void hello_through_a_pool(benchmark::State& state) {
  Hello handler;
  const Log log{STDERR_FILENO, "bench"};
  WorkerPool pool{handler, log};
  std::thread thread{[&pool] { pool.run(); }};
  exchange(state, pool, kUsualRequest);
  pool.stop();
  thread.join();
}
BENCHMARK(hello_through_a_pool)->UseRealTime();

}  // namespace
}  // namespace spawning::bench
