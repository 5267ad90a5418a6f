// SPDX-License-Identifier: MIT
// How the bodies of requests come in, and what comes behind them.
#include <gtest/gtest.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "spawning/server.hpp"
#include "support/server_fixture.hpp"

namespace spawning {
namespace {

using test::RawClient, test::run_ready, test::run_until, test::ServerTest;

TEST_P(ServerTest, TakesABodyOfKnownLength) {
  echo();
  auto client = connect();

  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello ");
  run_ready(context);
  client.send("world");

  EXPECT_TRUE(client.sees("hello world"));
}

// It would not lie behind its head if it had been put together.
TEST_P(ServerTest, HasEachBodyInOnePieceThatComesInOne) {
  std::optional<Responder> kept;
  std::ptrdiff_t distance = 0;
  answer = [&](const Request& request, Responder responder) {
    distance = request.body->unread_in_memory().data() - request.method.data();
    kept = std::move(responder);
  };
  auto client = connect();
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n";

  for (int i = 0; i < 10; ++i) {
    client.forget();
    client.send(head + std::string(5000, 'x'));
    ASSERT_TRUE(run_until(context, [&] { return kept.has_value(); }));
    EXPECT_EQ(distance, static_cast<std::ptrdiff_t>(head.size()));
    std::exchange(kept, std::nullopt)->respond({}, "answer");
    ASSERT_TRUE(client.sees("answer"));
  }
}

TEST_P(ServerTest, TakesALargeBodyThroughASpoolFile) {
  bool spooled = false;
  answer = [&](const Request& request, Responder responder) {
    spooled = request.body->spooled();
    responder.respond({}, drain_body(*request.body) + "|end");
  };
  auto client = connect();
  std::string body;
  while (body.size() < 3'000'000) body += std::to_string(body.size()) + ",";

  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) +
              "\r\n\r\n");
  client.send(body);

  EXPECT_TRUE(client.sees("|end"));
  EXPECT_TRUE(spooled);
  EXPECT_NE(client.received().find("\r\n\r\n" + body + "|end"), std::string::npos);
}

TEST_P(ServerTest, TakesAChunkedBodyWithTheNextRequestBehindIt) {
  echo();
  auto client = connect();

  client.send(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nfirst\r\n0\r\n\r\n"
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nsecond");

  EXPECT_TRUE(client.sees("second"));
  EXPECT_NE(client.received().find("first"), std::string::npos);
}

TEST_P(ServerTest, TakesALargeChunkedBodyWithTheNextRequestBehindIt) {
  echo();
  auto client = connect();
  std::string message = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", body;
  for (int i = 0; i < 40; ++i) {
    const std::string chunk(0x1000, static_cast<char>('a' + i % 26));
    message += "1000\r\n" + chunk + "\r\n";
    body += chunk;
  }
  message += "0\r\nTrailer: dropped\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n";

  client.send(message);

  EXPECT_TRUE(client.sees(body));
  EXPECT_TRUE(run_until(context, [&] { return recorder.exchanges.size() == 2; }));
  EXPECT_EQ(recorder.exchanges[1].target, "/next");
}

TEST_P(ServerTest, AsksForABodyThatTheClientHoldsBack) {
  echo();
  auto client = connect();

  client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_TRUE(client.sees("HTTP/1.1 100 Continue\r\n\r\n"));
  client.send("body");

  EXPECT_TRUE(client.sees("\r\n\r\nbody"));
}

TEST_P(ServerTest, SendsNoContinueForABodyThatItRefuses) {
  config.limits.body = Bytes{10};
  auto client = connect();

  client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n");

  EXPECT_TRUE(client.sees_the_end());
  EXPECT_EQ(client.received().rfind("HTTP/1.1 413 ", 0), 0U);
}

// While an answer is awaited the connection reads on; what that read brings belongs wherever the
// answer's being there has led to meanwhile.
struct ReadAheadTest : ServerTest {
  // Has a first request wait for its answer while `begun` arrives, then answers it, and sends `rest`.
  void send_around_an_answer(RawClient& client, std::string_view begun, std::string_view rest) {
    std::optional<Responder> waiting;
    answer = [&waiting](const Request&, Responder responder) {
      waiting.emplace(std::move(responder));
    };
    client.send("GET /first HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(run_until(context, [&] { return waiting.has_value(); }));
    client.send(begun);
    run_ready(context);
    answer = [](const Request& request, Responder responder) {
      responder.respond({}, std::string{request.path} + "=" + drain_body(*request.body) + ";");
    };
    waiting->respond({}, "first");
    run_ready(context);
    client.send(rest);
  }
};

TEST_P(ReadAheadTest, BringsTheRestOfABody) {
  auto client = connect();

  send_around_an_answer(client, "POST /second HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n012",
                        "3456789GET /third HTTP/1.1\r\nHost: a\r\n\r\n");

  EXPECT_TRUE(client.sees("/second=0123456789;"));
  EXPECT_TRUE(client.sees("/third=;"));
}

TEST_P(ReadAheadTest, BringsAWholeBody) {
  auto client = connect();

  send_around_an_answer(client, "POST /second HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n",
                        "body");

  EXPECT_TRUE(client.sees("/second=body;"));
}

TEST_P(ReadAheadTest, BringsTheRestOfChunks) {
  auto client = connect();

  send_around_an_answer(
      client, "POST /second HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab",
      "c\r\n0\r\n\r\nGET /third HTTP/1.1\r\nHost: a\r\n\r\n");

  EXPECT_TRUE(client.sees("/second=abc;"));
  EXPECT_TRUE(client.sees("/third=;"));
}

TEST_P(ReadAheadTest, BringsTheRestOfAHeadThatMovedUpBehindChunks) {
  auto client = connect();

  send_around_an_answer(client,
                        "POST /second HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "3\r\nabc\r\n0\r\n\r\nGET /thi",
                        "rd HTTP/1.1\r\nHost: a\r\n\r\n");

  EXPECT_TRUE(client.sees("/second=abc;"));
  EXPECT_TRUE(client.sees("/third=;"));
}

INSTANTIATE_TEST_SUITE_P(OverUnixSockets, ServerTest, ::testing::Values(&test::make_socketpair));
INSTANTIATE_TEST_SUITE_P(OverTcp, ServerTest, ::testing::Values(&test::make_tcp_pair));
INSTANTIATE_TEST_SUITE_P(OverTcp, ReadAheadTest, ::testing::Values(&test::make_tcp_pair));

}  // namespace
}  // namespace spawning
