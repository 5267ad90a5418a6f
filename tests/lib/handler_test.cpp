// SPDX-License-Identifier: MIT
// What a handler can do with a request: each way is one that docs/embedding.md names.
#include "spawning/handler.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "support/run_until.hpp"
#include "support/server_fixture.hpp"

namespace spawning {
namespace {

using namespace std::chrono_literals;
using boost::asio::use_awaitable;
using test::RawClient, test::run_until;

constexpr const char* kRequest = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

struct HandlerTest : test::ServerTest {
  ~HandlerTest() override {
    if (thread.joinable()) thread.join();
  }

  std::thread thread;
};

TEST_P(HandlerTest, AnswersLaterFromAnotherThread) {
  answer = [this](const Request& request, Responder responder) {
    thread = std::thread{[path = request.path, responder = std::move(responder)]() mutable {
      responder.respond(200, {{"X-From", "a thread"}}, "you asked for " + std::string{path});
    }};
  };
  RawClient client = connect();

  client.send(kRequest);

  EXPECT_TRUE(client.sees("you asked for /x"));  // the octets have lived as long as the Responder
}

boost::asio::awaitable<void> answer_in_a_while(Request request, Responder responder) {
  boost::asio::steady_timer timer{co_await boost::asio::this_coro::executor, 1ms};
  co_await timer.async_wait(use_awaitable);
  if (request.path == "/fails") throw std::runtime_error{"no"};
  responder.respond(200, {}, "you asked for " + std::string{request.path});
}

TEST_P(HandlerTest, AnswersAtTheEndOfACoroutine) {
  answer = [this](const Request& request, Responder responder) {
    boost::asio::co_spawn(context, answer_in_a_while(request, std::move(responder)),
                          boost::asio::detached);
  };
  RawClient client = connect();

  client.send(kRequest);
  EXPECT_TRUE(client.sees("you asked for /x"));

  client.send("GET /fails HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(client.sees("500 Internal Server Error"));
}

// Goes on by itself whenever the client has read; alive for as long as somebody is to resume it.
struct Counter : std::enable_shared_from_this<Counter> {
  explicit Counter(Responder target) : responder{std::move(target)} {}

  void go_on() {
    while (sent < kBlocks) {
      const WriteStatus status = responder.write(block);
      if (status == WriteStatus::gone) return;
      ++sent;
      if (status == WriteStatus::full) {
        ++waited;
        return responder.when_writable([self = shared_from_this()] { self->go_on(); });
      }
    }
    responder.finish();
  }

  static constexpr std::size_t kBlocks = 64;
  const std::string block = std::string(256 << 10, 'x');
  Responder responder;
  std::size_t sent = 0;
  int waited = 0;
};

TEST_P(HandlerTest, StreamsAsFastAsTheClientReads) {
  config.unsent_high = 1_MiB;
  std::shared_ptr<Counter> counter;
  answer = [&](const Request&, Responder responder) {
    responder.start(200, {{"Content-Type", "application/octet-stream"}});
    counter = std::make_shared<Counter>(std::move(responder));
    counter->go_on();
  };
  RawClient client = connect();

  client.send(kRequest);
  ASSERT_TRUE(run_until(context, [&] { return counter && counter->waited > 0; }));
  EXPECT_LT(counter->sent, Counter::kBlocks);

  EXPECT_TRUE(client.sees("\r\n0\r\n\r\n"));
  EXPECT_EQ(counter->sent, Counter::kBlocks);
  EXPECT_GT(client.received().size(), Counter::kBlocks * counter->block.size());
}

TEST_P(HandlerTest, ReadsABodyInPieces) {
  answer = [](const Request& request, Responder responder) {
    std::array<char, 1000> piece{};
    std::size_t pieces = 0, lines = 0;
    while (const std::size_t count = request.body->read(piece)) {
      ++pieces;
      lines += static_cast<std::size_t>(std::count(piece.data(), piece.data() + count, '\n'));
    }
    responder.respond(200, {},
                      std::to_string(lines) + " lines in " + std::to_string(pieces) + " pieces");
  };
  RawClient client = connect();
  std::string body(200'000, 'x');
  body[5] = body[150'000] = '\n';

  client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n" + body);

  EXPECT_TRUE(client.sees("2 lines in 200 pieces"));
}

TEST_P(HandlerTest, IsToldThatTheClientHasGone) {
  std::optional<Responder> kept;
  bool told = false;
  answer = [&](const Request&, Responder responder) {
    kept.emplace(std::move(responder));
    kept->when_gone([&] { told = true; });
  };
  RawClient client = connect();
  client.send(kRequest);
  ASSERT_TRUE(run_until(context, [&] { return kept.has_value(); }));
  EXPECT_FALSE(kept->client_gone());

  client.close();

  EXPECT_TRUE(run_until(context, [&] { return told; }));
  EXPECT_TRUE(kept->client_gone());
  EXPECT_EQ(kept->write("late"), WriteStatus::gone);
}

// The loop is the program's: whatever else runs on it runs beside the server.
TEST_P(HandlerTest, ServesInALoopThatHasOtherThingsToDo) {
  int ticks = 0;
  boost::asio::steady_timer timer{context};
  std::function<void()> tick = [&] {
    timer.expires_after(1ms);
    timer.async_wait([&](boost::system::error_code error) {
      if (error) return;
      ++ticks;
      tick();
    });
  };
  tick();
  RawClient client = connect();

  client.send(kRequest);

  EXPECT_TRUE(client.sees("you asked for /x"));
  EXPECT_TRUE(run_until(context, [&] { return ticks > 3; }));
}

INSTANTIATE_TEST_SUITE_P(OverUnixSockets, HandlerTest, ::testing::Values(&test::make_socketpair));
INSTANTIATE_TEST_SUITE_P(OverTcp, HandlerTest, ::testing::Values(&test::make_tcp_pair));

}  // namespace
}  // namespace spawning
