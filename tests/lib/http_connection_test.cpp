// SPDX-License-Identifier: MIT
#include "net/http_connection.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "support/server_fixture.hpp"

namespace spawning {
namespace {

using test::RawClient, test::run_ready, test::run_until;

constexpr std::size_t kMoreThanASocketTakes = 16 << 20;

// The ways in which a connection's phases, its client's and its server's ends can meet.
struct HttpConnectionTest : test::ServerTest {
  std::vector<Responder> kept;

  void keep() {
    answer = [this](const Request&, Responder responder) { kept.push_back(std::move(responder)); };
  }

  static std::string get(const std::string& path) {
    return "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n";
  }

  // Runs the server until the client has everything, a large body behind the head.
  static bool receives_body(IoContext& context, RawClient& client, std::size_t octets) {
    return run_until(context, [&] {
      client.receive();
      const auto head = client.received().find("\r\n\r\n");
      return head != std::string::npos && client.received().size() >= head + 4 + octets;
    });
  }
};

TEST_P(HttpConnectionTest, TakesABodyWhoseHeadCameWhileTheRequestBeforeWasRunning) {
  keep();
  auto client = connect();
  client.send(get("/slow"));
  ASSERT_TRUE(run_until(context, [&] { return kept.size() == 1; }));
  const std::string body(100'000, 'b');
  client.send("POST /next HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) +
              "\r\n\r\n" + body.substr(0, 1000));
  run_ready(context);

  echo();
  kept.front().respond({}, "slow|");
  run_ready(context);
  client.send(body.substr(1000));
  client.send(get("/last"));

  EXPECT_TRUE(client.sees("\r\n\r\n" + body));
  EXPECT_TRUE(run_until(context, [&] { return recorder.exchanges.size() == 3; }));
}

TEST_P(HttpConnectionTest, TakesChunksWhoseHeadCameWhileTheRequestBeforeWasRunning) {
  keep();
  auto client = connect();
  client.send(get("/slow"));
  ASSERT_TRUE(run_until(context, [&] { return kept.size() == 1; }));
  client.send("POST /next HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhel");
  run_ready(context);

  echo();
  kept.front().respond({}, "slow|");
  run_ready(context);
  client.send("lo,\r\n5\r\nworld\r\n0\r\n\r\n" + get("/last"));

  EXPECT_TRUE(client.sees("\r\n\r\nhello,world"));
  EXPECT_TRUE(run_until(context, [&] { return recorder.exchanges.size() == 3; }));
}

TEST_P(HttpConnectionTest, TakesAllChunksThatCameWhileTheRequestBeforeWasRunning) {
  keep();
  auto client = connect();
  client.send(get("/slow"));
  ASSERT_TRUE(run_until(context, [&] { return kept.size() == 1; }));
  client.send(
      "POST /next HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n0\r\n\r\nGET /la");
  run_ready(context);

  echo();
  kept.front().respond({}, "slow|");

  EXPECT_TRUE(client.sees("\r\n\r\nhello"));
  client.send("st HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(run_until(context, [&] { return recorder.exchanges.size() == 3; }));
  EXPECT_EQ(recorder.exchanges.back().target, "/last");
}

TEST_P(HttpConnectionTest, AsksOnceForABodyWhoseHeadCameWhileTheRequestBeforeWasRunning) {
  keep();
  auto client = connect();
  client.send(get("/slow"));
  ASSERT_TRUE(run_until(context, [&] { return kept.size() == 1; }));
  client.send(
      "POST /next HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  run_ready(context);

  echo();
  kept.front().respond({}, "slow|");

  EXPECT_TRUE(client.sees("HTTP/1.1 100 Continue\r\n\r\n"));
  client.forget();
  client.send("bo");
  run_ready(context);
  client.send("dy");
  EXPECT_TRUE(client.sees("\r\n\r\nbody"));
  EXPECT_EQ(client.received().find("100 Continue"), std::string::npos);
}

TEST_P(HttpConnectionTest, Answers408ToABodyThatStopsBehindARequestThatWasRunning) {
  config.timeouts.body = std::chrono::seconds{1};
  keep();
  auto client = connect();
  client.send(get("/slow"));
  ASSERT_TRUE(run_until(context, [&] { return kept.size() == 1; }));
  client.send("POST /next HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbo");
  run_ready(context);

  kept.front().respond({}, "slow|");

  EXPECT_TRUE(client.sees_the_end());
  EXPECT_NE(client.received().find("HTTP/1.1 408 "), std::string::npos);
  EXPECT_FALSE(client.reset());
}

TEST_P(HttpConnectionTest, RecordsTheRequestOfALongHeadThatDoesNotArriveInTime) {
  config.timeouts.header = std::chrono::seconds{1};
  auto client = connect();

  // Long enough for the read buffer to grow, and to move, more than once, the last time at the end.
  client.send("GET /long HTTP/1.1\r\nHost: a\r\n");
  for (int i = 0; i < 15; ++i) {
    client.send("X-" + std::to_string(i) + ": " + std::string(2000, 'x') + "\r\n");
    run_ready(context);
  }

  EXPECT_TRUE(client.sees_the_end());
  EXPECT_EQ(client.received().rfind("HTTP/1.1 408 ", 0), 0U);
  ASSERT_EQ(recorder.exchanges.size(), 1U);
  EXPECT_EQ(recorder.exchanges[0].target, "/long");
}

TEST_P(HttpConnectionTest, AnswersEveryRequestOfAClientThatHasShutItsSendingEnd) {
  config.timeouts.half_closed = std::chrono::seconds{30};
  keep();
  auto client = connect();
  client.send(
      get("/1") +
      "POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n" +
      get("/3"));
  client.shut_sending();
  ASSERT_TRUE(run_until(context, [&] { return kept.size() == 1; }));
  run_ready(context);

  for (std::size_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(run_until(context, [&] { return kept.size() == i + 1; })) << i;
    kept[i].respond({}, "answer " + std::to_string(i + 1) + "|");
  }

  EXPECT_TRUE(client.sees_the_end());
  EXPECT_NE(client.received().find("answer 1|"), std::string::npos);
  EXPECT_NE(client.received().find("answer 3|"), std::string::npos);
  EXPECT_TRUE(run_until(context, [&] { return recorder.closed == 1; }));
}

TEST_P(HttpConnectionTest, ClosesBehindHalfARequestOfAClientThatHasShutItsSendingEnd) {
  config.timeouts.half_closed = std::chrono::seconds{30};
  for (const std::string half :
       {"GET / HT", "\r\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbo"}) {
    kept.clear();
    keep();
    auto client = connect();
    client.send(get("/1") + half);
    client.shut_sending();
    ASSERT_TRUE(run_until(context, [&] { return kept.size() == 1; }));
    run_ready(context);

    kept.front().respond({}, "answer");

    EXPECT_TRUE(client.sees_the_end()) << half;
    EXPECT_NE(client.received().find("answer"), std::string::npos) << half;
    EXPECT_TRUE(run_until(context, [&] { return recorder.closed == recorder.opened; })) << half;
  }
}

TEST_P(HttpConnectionTest, SendsAllOfAnAnswerToAClientThatHasShutItsSendingEnd) {
  answer = [](const Request&, Responder responder) {
    responder.respond({}, std::string(kMoreThanASocketTakes, 'x'));
  };
  auto client = connect();
  client.send(get("/large"));
  ASSERT_TRUE(run_until(context, [&] { return recorder.exchanges.size() == 1; }));

  client.shut_sending();
  run_ready(context);

  EXPECT_TRUE(receives_body(context, client, kMoreThanASocketTakes));
  EXPECT_TRUE(client.sees_the_end());
}

TEST_P(HttpConnectionTest, SendsAllOfAnAnswerThatIsQueuedWhenTheServerDrains) {
  answer = [](const Request&, Responder responder) {
    responder.respond({}, std::string(kMoreThanASocketTakes, 'x'));
  };
  auto client = connect();
  client.send(get("/large"));
  ASSERT_TRUE(run_until(context, [&] { return recorder.exchanges.size() == 1; }));
  bool drained = false;

  server->drain([&] { drained = true; });

  EXPECT_TRUE(receives_body(context, client, kMoreThanASocketTakes));
  EXPECT_TRUE(client.sees_the_end());
  client.close();
  EXPECT_TRUE(run_until(context, [&] { return drained; }));
}

TEST_P(HttpConnectionTest, AnswersPipelinedRequestsWhenDrainedBetweenTwoOfThem) {
  keep();
  auto client = connect();
  client.send(get("/1") + get("/2"));
  ASSERT_TRUE(run_until(context, [&] { return kept.size() == 1; }));
  run_ready(context);

  kept[0].respond({}, "first");  // leaves a note for the I/O thread
  server->drain([] {});          // before it has read it
  run_ready(context);

  ASSERT_EQ(kept.size(), 2U);
  kept[1].respond({}, "second");
  EXPECT_TRUE(client.sees("second"));
  EXPECT_TRUE(client.sees_the_end());
}

TEST_P(HttpConnectionTest, CanBeDrainedByTheHandlerThatHasJustAnswered) {
  bool drained = false;
  answer = [&](const Request&, Responder responder) {
    responder.respond({}, "good bye");
    server->drain([&] { drained = true; });
  };
  auto client = connect();

  client.send(get("/stop"));

  EXPECT_TRUE(client.sees("good bye"));
  EXPECT_TRUE(client.sees_the_end());
  client.close();
  EXPECT_TRUE(run_until(context, [&] { return drained; }));
}

TEST_P(HttpConnectionTest, CanLoseItsServerToTheHandlerThatHasJustAnswered) {
  answer = [&](const Request&, Responder responder) {
    responder.respond({}, "good bye");
    server.reset();
  };
  auto client = connect();

  client.send(get("/1") + get("/2"));

  EXPECT_TRUE(client.sees_the_end());
  EXPECT_EQ(recorder.exchanges.size(), 1U);
  EXPECT_EQ(recorder.closed, 1);
}

TEST_P(HttpConnectionTest, ResumesAProducerThatAsksAfterItsClientHasGone) {
  keep();
  auto client = connect();
  client.send(get("/stream"));
  ASSERT_TRUE(run_until(context, [&] { return kept.size() == 1; }));
  kept[0].start({});
  server.reset();
  bool resumed = false;

  kept[0].when_writable([&] { resumed = true; });

  EXPECT_TRUE(run_until(context, [&] { return resumed; }));
  EXPECT_TRUE(kept[0].client_gone());
}

TEST_P(HttpConnectionTest, ClosesAConnectionThatSendsOnlyEmptyLinesWithoutAWord) {
  config.timeouts.header = std::chrono::seconds{1};
  auto client = connect();

  client.send("\r\n");

  EXPECT_TRUE(client.sees_the_end());
  EXPECT_EQ(client.received(), "");
  EXPECT_TRUE(recorder.exchanges.empty());
}

TEST_P(HttpConnectionTest, DrainsAConnectionThatHasSentAnEmptyLineBehindItsRequest) {
  auto client = connect();
  client.send(get("/x") + "\r\n");
  ASSERT_TRUE(client.sees("you asked for /x"));
  bool drained = false;

  server->drain([&] { drained = true; });

  EXPECT_TRUE(client.sees_the_end());
  client.close();
  EXPECT_TRUE(run_until(
      context, [&] { return drained; }, std::chrono::seconds{5}));
}

INSTANTIATE_TEST_SUITE_P(OverUnixSockets, HttpConnectionTest,
                         ::testing::Values(&test::make_socketpair));
INSTANTIATE_TEST_SUITE_P(OverTcp, HttpConnectionTest, ::testing::Values(&test::make_tcp_pair));

}  // namespace
}  // namespace spawning
