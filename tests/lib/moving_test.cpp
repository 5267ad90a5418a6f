// SPDX-License-Identifier: MIT
// Connections that go from a server that is busy to another one, as their clients see it.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "support/server_fixture.hpp"

namespace spawning {
namespace {

using test::RawClient, test::run_ready, test::run_until;

std::string get(std::string_view path, std::string_view fields = "") {
  return "GET " + std::string{path} + " HTTP/1.1\r\nHost: a\r\n" + std::string{fields} + "\r\n";
}

// `server` keeps its requests waiting and gives connections to `sibling`.
struct MovingTest : test::ServerTest {
  test::Recorder taken;
  test::FunctionHandler siblings_handler{[this](const Request& request, Responder responder) {
    seen_by_sibling.push_back(std::string{request.method} + " " + std::string{request.path} + " " +
                              drain_body(*request.body));
    last_peer = request.connection->peer.to_string();
    if (sibling_keeps) return waiting.push_back(std::move(responder));
    responder.respond({}, "the sibling was asked for " + std::string{request.path});
  }};
  std::optional<Server> sibling;
  std::vector<Responder> waiting;
  std::vector<std::string> seen_by_sibling;
  std::string last_peer;
  bool sibling_keeps = false;
  bool taking = true;

  void SetUp() override {
    answer = [this](const Request&, Responder responder) {
      waiting.push_back(std::move(responder));
    };
  }

  RawClient connect_beside_a_sibling() {
    RawClient client = connect();
    if (!sibling) sibling.emplace(context, siblings_handler, log, config, &taken);
    server->hand_over_to([this](HandedConnection& connection) {
      if (taking) sibling->adopt(std::move(connection));
      return taking;
    });
    sibling->hand_over_to([this](HandedConnection& connection) {
      server->adopt(std::move(connection));
      return true;
    });
    return client;
  }

  [[nodiscard]] bool waits(std::size_t count = 1) {
    return run_until(context, [&] { return waiting.size() == count; });
  }

  void pass_on() {
    ASSERT_TRUE(waits());
    ASSERT_TRUE(waiting[0].can_pass_on());
    Responder responder = std::move(waiting[0]);
    waiting.clear();
    responder.pass_on();
  }
};

TEST_P(MovingTest, PassesARequestOnThatNobodyHasBegunToAnswer) {
  auto client = connect_beside_a_sibling();
  client.send(get("/1"));
  pass_on();

  EXPECT_TRUE(client.sees("the sibling was asked for /1"));
  EXPECT_EQ(server->connections(), 0U);
  EXPECT_EQ(sibling->connections(), 1U);
  EXPECT_TRUE(recorder.exchanges.empty());
  EXPECT_EQ(taken.exchanges.size(), 1U);
  client.send(get("/2"));
  EXPECT_TRUE(client.sees("the sibling was asked for /2"));
}

TEST_P(MovingTest, PassesOnWhatHasComeBehindTheRequest) {
  auto client = connect_beside_a_sibling();
  const std::string third = get("/3");
  client.send(get("/1") + get("/2"));
  ASSERT_TRUE(waits());
  client.send(third.substr(0, 10));
  run_ready(context);
  pass_on();
  client.send(third.substr(10));

  EXPECT_TRUE(client.sees("the sibling was asked for /3"));
  EXPECT_EQ(seen_by_sibling, (std::vector<std::string>{"GET /1 ", "GET /2 ", "GET /3 "}));
}

TEST_P(MovingTest, PassesOnWhatComesWhileTheConnectionLeaves) {
  auto client = connect_beside_a_sibling();
  client.send(get("/1"));
  ASSERT_TRUE(waits());
  pass_on();
  client.send(get("/2"));

  EXPECT_TRUE(client.sees("the sibling was asked for /2"));
  EXPECT_EQ(seen_by_sibling.size(), 2U);
}

TEST_P(MovingTest, PassesABodyOnHoweverItCame) {
  auto whole = connect_beside_a_sibling();
  whole.send("POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n01234" + get("/2"));
  pass_on();
  EXPECT_TRUE(whole.sees("asked for /2"));

  auto pieces = connect_beside_a_sibling();
  pieces.send("POST /pieces HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n012");
  run_ready(context);
  pieces.send("34567");
  run_ready(context);
  pieces.send("89" + get("/2"));
  pass_on();
  EXPECT_TRUE(pieces.sees("asked for /2"));

  EXPECT_EQ(seen_by_sibling, (std::vector<std::string>{"POST /whole 01234", "GET /2 ",
                                                       "POST /pieces 0123456789", "GET /2 "}));
}

TEST_P(MovingTest, PassesNothingOnThatIsTooLargeOrWhoseFramingIsGone) {
  config.limits.body_in_memory = Bytes{1 << 20};
  auto large = connect_beside_a_sibling();
  large.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n");
  run_ready(context);
  large.send(std::string(20'000, 'x'));
  ASSERT_TRUE(waits());
  EXPECT_FALSE(waiting[0].can_pass_on());

  auto chunked = connect_beside_a_sibling();
  chunked.send(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n");
  ASSERT_TRUE(waits(2));
  EXPECT_FALSE(waiting[1].can_pass_on());
}

TEST_P(MovingTest, PassesNoRequestOnThatSomebodyWorksOnOrWhoseClientHasGone) {
  auto begun = connect_beside_a_sibling(), gone = connect_beside_a_sibling();
  begun.send(get("/1"));
  ASSERT_TRUE(waits());
  gone.send(get("/1"));
  ASSERT_TRUE(waits(2));

  EXPECT_TRUE(waiting[0].begin());
  gone.close();

  EXPECT_FALSE(waiting[0].can_pass_on());
  EXPECT_TRUE(run_until(context, [&] { return waiting[1].client_gone(); }));
  EXPECT_FALSE(waiting[1].can_pass_on());
}

TEST_P(MovingTest, PassesNoRequestOnWhileTheAnswerBeforeItIsUnsent) {
  config.unsent_in_memory = 64_MiB;  // so that the next one is asked at all
  answer = [this](const Request& request, Responder responder) {
    if (request.path == "/waits") return waiting.push_back(std::move(responder));
    responder.respond({}, std::string(20 << 20, 'x') + "the end");
  };
  auto client = connect_beside_a_sibling();
  client.send(get("/large") + get("/waits"));
  ASSERT_TRUE(waits());
  EXPECT_FALSE(waiting[0].can_pass_on());

  EXPECT_TRUE(client.sees("the end"));
  EXPECT_TRUE(run_until(context, [&] { return waiting[0].can_pass_on(); }));
  pass_on();
  EXPECT_TRUE(client.sees("the sibling was asked for /waits"));
}

TEST_P(MovingTest, PassesARequestOnWhoseClientHasShutItsEnd) {
  config.timeouts.half_closed = std::chrono::seconds{30};
  auto client = connect_beside_a_sibling();
  client.send(get("/1"));
  client.shut_sending();
  ASSERT_TRUE(waits());
  run_ready(context);
  pass_on();

  EXPECT_TRUE(client.sees("the sibling was asked for /1"));
  EXPECT_TRUE(client.sees_the_end());
}

TEST_P(MovingTest, PassesTheEndsOnThatAPROXYHeaderHasNamed) {
  config.proxy_protocol = true;
  config.forwarded_allow = TrustedProxies::parse("127.0.0.1,unix");
  auto client = connect_beside_a_sibling();
  client.send("PROXY TCP4 203.0.113.9 192.0.2.1 4711 443\r\n" + get("/1"));
  pass_on();

  EXPECT_TRUE(client.sees("the sibling was asked for /1"));
  EXPECT_EQ(last_peer, "203.0.113.9:4711");
}

TEST_P(MovingTest, CountsARequestThatIsPassedOnOnce) {
  config.keep_alive_requests = 2;
  auto client = connect_beside_a_sibling();
  client.send(get("/1"));
  pass_on();
  EXPECT_TRUE(client.sees("the sibling was asked for /1"));
  EXPECT_EQ(client.received().find("Connection: close"), std::string::npos);

  client.send(get("/2"));

  EXPECT_TRUE(client.sees("the sibling was asked for /2"));
  EXPECT_NE(client.received().find("Connection: close"), std::string::npos);
}

TEST_P(MovingTest, PassesARequestOnAFewTimesOnlyUntilItIsAnswered) {
  sibling_keeps = true;
  auto client = connect_beside_a_sibling();
  for (int round = 0; round < 2; ++round) {
    client.send(get("/"));
    for (int move = 0; move < 4; ++move) pass_on();
    ASSERT_TRUE(waits());
    EXPECT_FALSE(waiting[0].can_pass_on());

    client.forget();
    waiting[0].respond({}, "at last");
    waiting.clear();
    EXPECT_TRUE(client.sees("at last"));
  }
}

TEST_P(MovingTest, AnswersARequestThatNobodyTakes) {
  taking = false;
  auto client = connect_beside_a_sibling();
  client.send(get("/1"));
  pass_on();

  ASSERT_TRUE(waits());
  waiting[0].respond({}, "here after all");
  EXPECT_TRUE(client.sees("here after all"));
  EXPECT_EQ(client.received().find("Connection: close"), std::string::npos);
}

TEST_P(MovingTest, AnswersARequestHereThatIsOnItsWayWhenTheServerDrains) {
  auto client = connect_beside_a_sibling();
  client.send(get("/1"));
  pass_on();
  bool drained = false;

  server->drain([&] { drained = true; });

  ASSERT_TRUE(waits());
  waiting[0].respond({}, "here after all");
  EXPECT_TRUE(client.sees("here after all"));
  EXPECT_NE(client.received().find("Connection: close"), std::string::npos);
  client.close();
  EXPECT_TRUE(run_until(context, [&] { return drained; }));
}

TEST_P(MovingTest, MovesIdleConnectionsAndNoMoreThanItIsAskedTo) {
  answer = [](const Request&, Responder responder) { responder.respond({}, "here"); };
  auto first = connect_beside_a_sibling(), second = connect_beside_a_sibling();
  auto fresh = connect_beside_a_sibling();
  for (auto* client : {&first, &second}) {
    client->send(get("/1"));
    ASSERT_TRUE(client->sees("here"));
  }

  EXPECT_EQ(server->move_away(2), 2U);
  EXPECT_TRUE(run_until(context, [&] { return sibling->connections() == 2; }));
  EXPECT_EQ(server->move_away(2), 1U);
  EXPECT_TRUE(run_until(context, [&] { return sibling->connections() == 3; }));

  for (auto* client : {&first, &second, &fresh}) {
    client->send(get("/2"));
    EXPECT_TRUE(client->sees("the sibling was asked for /2"));
  }
  EXPECT_EQ(recorder.opened, recorder.closed);
}

TEST_P(MovingTest, MovesNoConnectionOnWhichThereIsSomethingToDo) {
  auto busy = connect_beside_a_sibling(), half = connect_beside_a_sibling();
  busy.send(get("/1"));
  half.send("GET ");
  ASSERT_TRUE(waits());
  run_ready(context);

  EXPECT_EQ(server->move_away(2), 0U);

  waiting[0].respond({}, "here");
  EXPECT_TRUE(busy.sees("here"));
  EXPECT_EQ(server->move_away(2), 1U);
}

TEST_P(MovingTest, LosesNothingThatComesWhileAConnectionMoves) {
  answer = [](const Request&, Responder responder) { responder.respond({}, "an answer"); };
  auto client = connect_beside_a_sibling();
  client.send(get("/1"));
  ASSERT_TRUE(client.sees("an answer"));
  client.forget();

  client.send(get("/2"));
  EXPECT_EQ(server->move_away(1), 1U);

  EXPECT_TRUE(client.sees("200 OK"));  // from here or there
  EXPECT_TRUE(run_until(context, [&] { return sibling->connections() == 1; }));
}

TEST_P(MovingTest, LooksAroundNowAndThenWhileThereAreConnections) {
  int looks = 0;
  auto client = connect_beside_a_sibling();
  server->on_sweep([&] {
    ++looks;
    return false;
  });

  EXPECT_TRUE(run_until(context, [&] { return looks == 2; }));
}

TEST_P(MovingTest, LooksAroundWithoutConnectionsForAsLongAsIsWanted) {
  int looks = 0;
  connect_beside_a_sibling().close();
  server->on_sweep([&] { return ++looks < 3; });

  EXPECT_TRUE(run_until(context, [&] { return looks == 3; }));
  EXPECT_EQ(server->connections(), 0U);
}

INSTANTIATE_TEST_SUITE_P(OverUnixSockets, MovingTest, ::testing::Values(&test::make_socketpair));
INSTANTIATE_TEST_SUITE_P(OverTcp, MovingTest, ::testing::Values(&test::make_tcp_pair));

}  // namespace
}  // namespace spawning
