// SPDX-License-Identifier: MIT
#include "spawning/server.hpp"

#include <poll.h>

#include <array>
#include <string>
#include <thread>

#include "spawning/worker_pool.hpp"
#include "support/allocation_report.hpp"
#include "support/function_handler.hpp"
#include "support/loopback.hpp"
#include "support/sample_requests.hpp"

namespace spawning::bench {
namespace {

class Hello : public Handler {
 public:
  void handle(Request, Responder responder) override {
    static constexpr std::array kHeaders{Header{"Content-Type", "text/plain; charset=utf-8"}};
    responder.respond({.status = 200, .reason = {}, .headers = kHeaders}, "Hello, world!\n");
  }
};

// Answers with what was sent, without looking at where it lies.
class Echo : public Handler {
 public:
  void handle(Request request, Responder responder) override {
    responder.respond({}, request.body->unread_in_memory());
  }
};

// One client's end of a connection to a Server in this process.
class Connection {
 public:
  explicit Connection(Handler& handler) : server_{context_, handler, log_} {
    auto [client, served] = test::make_socketpair();
    client_ = std::move(client);
    server_.adopt(std::move(served));
    context_.poll();
  }

  void send(std::string_view octets) {
    if (::send(client_.get(), octets.data(), octets.size(), 0) < 0) throw_last_error("send");
  }

  /// Runs the server's loop until `count` octets have come back.
  void receive(std::size_t count) {
    for (std::size_t got = 0; got < count;) {
      context_.restart();
      context_.poll();
      const ssize_t more = ::recv(client_.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
      if (more > 0) got += static_cast<std::size_t>(more);
    }
  }

  /// The length of the answer to one such request; warms everything up.
  std::size_t measure(std::string_view request) {
    std::size_t length = 0;
    for (int i = 0; i < 1000; ++i) {
      send(request);
      length = 0;
      for (ssize_t more = -1; more <= 0;) {
        context_.restart();
        context_.poll();
        more = ::recv(client_.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
        if (more > 0) length = static_cast<std::size_t>(more);
      }
    }
    return length;
  }

 private:
  IoContext context_{1};
  Log log_{STDERR_FILENO, "bench"};
  Server server_;
  UniqueFd client_;
  std::string buffer_ = std::string(1 << 20, '\0');
};

void exchange(benchmark::State& state, Handler& handler, std::string_view request) {
  Connection connection{handler};
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
  Connection connection{handler};
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
  const std::string request =
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 16384\r\n\r\n" + std::string(16384, 'x');
  exchange(state, handler, request);
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
