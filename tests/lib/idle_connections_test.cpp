// SPDX-License-Identifier: MIT
// What connections take that are kept alive and say nothing.
#include <gtest/gtest.h>
#include <malloc.h>

#include <array>
#include <functional>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "net/http_connection.hpp"
#include "spawning/worker_pool.hpp"
#include "support/function_handler.hpp"
#include "support/loopback.hpp"

namespace spawning {
namespace {

using test::run_ready;

constexpr std::string_view kRequest =
    "GET /path?query HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: a\r\nAccept: */*\r\n\r\n";
constexpr std::size_t kCrowd = 300;
constexpr std::size_t kMost = 1024;  // octets each

struct IdleConnectionsTest : ::testing::Test {
  struct Pair {
    UniqueFd client;
    std::shared_ptr<HttpConnection> connection;
  };

  IoContext io{1};
  Log log{STDERR_FILENO, "test"};
  test::FunctionHandler hello{
      [](const Request&, Responder responder) { responder.respond({}, "hello"); }};
  WorkerPool pool{hello, log};
  std::shared_ptr<ServerContext> server = serve(hello);
  std::vector<Pair> pairs;
  std::array<char, 4096> answer{};

  std::shared_ptr<ServerContext> serve(Handler& handler) {
    auto context = std::make_shared<ServerContext>(io, handler, log, HttpConfig{}, nullptr);
    context->connection_closed = [] {};
    return context;
  }

  void TearDown() override {
    for (const Pair& each : pairs) each.connection->close();
  }

  void connect(std::size_t count) {
    pairs.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      auto [client, served] = test::make_socketpair();
      auto connection = std::make_shared<HttpConnection>(server, std::move(served));
      connection->start();
      pairs.push_back({std::move(client), std::move(connection)});
    }
    run_ready(io);
  }

  // Whatever is to happen meanwhile happens on this thread, the I/O thread.
  void ask(
      const Pair& pair, const std::function<void()>& meanwhile = [] {}) {
    ASSERT_GT(::send(pair.client.get(), kRequest.data(), kRequest.size(), 0), 0);
    while (::recv(pair.client.get(), answer.data(), answer.size(), MSG_DONTWAIT) <= 0) {
      run_ready(io);
      meanwhile();
    }
    EXPECT_TRUE(std::string_view{answer.data()}.starts_with("HTTP/1.1 200 OK\r\n"));
  }

  static void become_quiet(const Pair& pair) { pair.connection->expired(Deadlines::Kind::quiet); }

  // In use, with what malloc(3) adds. Always 0 with a sanitizer, whose heap is another one.
  static std::size_t heap() {
    const auto info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
  }
};

TEST_F(IdleConnectionsTest, TakeLittleBeforeTheirFirstRequest) {
  connect(1);
  pairs.reserve(kCrowd + 1);
  const std::size_t before = heap();

  connect(kCrowd);

  EXPECT_LE(heap() - before, kCrowd * kMost);
  EXPECT_EQ(server->active.held(), 0U);
}

TEST_F(IdleConnectionsTest, TakeLittleOnceTheyAreAnswered) {
  connect(1);
  ask(pairs.front());
  become_quiet(pairs.front());
  pairs.reserve(kCrowd + 1);
  const std::size_t before = heap();

  connect(kCrowd);
  for (const Pair& each : pairs) ask(each);
  const std::size_t held = server->active.held();
  for (const Pair& each : pairs) become_quiet(each);

  EXPECT_LE(heap() - before, kCrowd * kMost);
  EXPECT_LT(server->active.held(), held);
}

TEST_F(IdleConnectionsTest, AreServedAsBefore) {
  connect(2);
  for (int round = 0; round < 3; ++round) {
    for (const Pair& each : pairs) ask(each);
    for (const Pair& each : pairs) become_quiet(each);
  }
}

TEST_F(IdleConnectionsTest, NeedNotWaitForTheThreadThatHasAnswered) {
  server = serve(pool);
  std::thread thread{[this] { pool.run(); }};
  connect(1);

  for (int i = 0; i < 2000; ++i) {
    ask(pairs.front(), [this] { become_quiet(pairs.front()); });
    become_quiet(pairs.front());
  }

  pool.stop();
  thread.join();
}

}  // namespace
}  // namespace spawning
