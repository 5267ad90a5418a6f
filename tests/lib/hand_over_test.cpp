// SPDX-License-Identifier: MIT
// Connections that go from a server that drains to another one, as their clients see it.
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "support/server_fixture.hpp"

namespace spawning {
namespace {

using test::RawClient, test::run_ready, test::run_until;

std::string get(std::string_view path, std::string_view fields = "") {
  return "GET " + std::string{path} + " HTTP/1.1\r\nHost: a\r\n" + std::string{fields} + "\r\n";
}

// `server` drains and gives its connections to `successor`, which says so in its answers.
struct HandOverTest : test::ServerTest {
  test::Recorder taken;
  std::string last_peer;
  test::FunctionHandler successors_handler{[this](const Request& request, Responder responder) {
    last_peer = request.connection->peer.to_string();
    responder.respond({}, "the successor was asked for " + std::string{request.path});
  }};
  std::optional<Server> successor;
  std::vector<Responder> kept;
  std::size_t willing = SIZE_MAX;  // so many are taken
  bool drained = false;

  void keep() {
    answer = [this](const Request&, Responder responder) { kept.push_back(std::move(responder)); };
  }

  void hand_over() {
    successor.emplace(context, successors_handler, log, config, &taken);
    server->drain([this] { drained = true; },
                  [this](HandedConnection& connection) {
                    if (willing == 0) return false;
                    --willing;
                    successor->adopt(std::move(connection));
                    return true;
                  });
  }

  void expect_successor(RawClient& client, const std::string& path) {
    client.forget();
    client.send(get(path));
    EXPECT_TRUE(client.sees("the successor was asked for " + path)) << client.received();
    EXPECT_FALSE(client.closed());
  }

  void expect_drained() {
    EXPECT_TRUE(run_until(
        context, [&] { return drained; }, std::chrono::seconds{5}));
    EXPECT_EQ(server->connections(), 0U);
    EXPECT_EQ(recorder.opened, recorder.closed);
  }
};

TEST_P(HandOverTest, TakesAnIdleConnectionAlong) {
  auto client = connect();
  client.send(get("/1"));
  ASSERT_TRUE(client.sees("you asked for /1"));

  hand_over();

  expect_drained();
  EXPECT_EQ(taken.opened, 1);
  expect_successor(client, "/2");
}

TEST_P(HandOverTest, TakesAnIdleConnectionAlongThatHasGivenItsBufferBack) {
  auto client = connect();
  client.send(get("/1"));
  ASSERT_TRUE(client.sees("you asked for /1"));
  // About as long as that takes.
  const auto idle = std::chrono::steady_clock::now() + std::chrono::milliseconds{1300};
  ASSERT_TRUE(run_until(context, [&] { return std::chrono::steady_clock::now() >= idle; }));

  hand_over();

  expect_drained();
  expect_successor(client, "/2");
}

TEST_P(HandOverTest, TakesAConnectionAlongThatHasSentNothingYet) {
  auto client = connect();

  hand_over();

  expect_drained();
  expect_successor(client, "/1");
}

TEST_P(HandOverTest, LeavesARequestThatHasArrivedAndIsNotReadToTheSuccessorOrAnswersIt) {
  auto idle = connect(), fresh = connect();
  idle.send(get("/1"));
  ASSERT_TRUE(idle.sees("you asked for /1"));
  idle.send(get("/2"));
  fresh.send(get("/2"));

  hand_over();

  EXPECT_TRUE(idle.sees("asked for /2"));
  EXPECT_TRUE(fresh.sees("asked for /2"));
  expect_drained();
  expect_successor(idle, "/3");
  expect_successor(fresh, "/3");
}

TEST_P(HandOverTest, TakesABusyConnectionAlongBehindItsAnswerWhichAnnouncesNothing) {
  keep();
  auto client = connect();
  client.send(get("/1"));
  ASSERT_TRUE(run_until(context, [&] { return kept.size() == 1; }));
  hand_over();
  run_ready(context);
  EXPECT_FALSE(drained);

  kept[0].respond({}, "first");

  EXPECT_TRUE(client.sees("first"));
  EXPECT_EQ(client.received().find("Connection: close"), std::string::npos);
  expect_drained();
  expect_successor(client, "/2");
}

TEST_P(HandOverTest, TakesAConnectionAlongWhoseAnswerComesFromAnotherThread) {
  keep();
  auto client = connect();
  client.send(get("/1"));
  ASSERT_TRUE(run_until(context, [&] { return kept.size() == 1; }));
  hand_over();

  std::thread answering{[this] { kept[0].respond({}, "first"); }};

  EXPECT_TRUE(client.sees("first"));
  answering.join();
  expect_drained();
  expect_successor(client, "/2");
}

TEST_P(HandOverTest, ClosesAConnectionWhoseClientWantsNoOtherAnswer) {
  keep();
  auto client = connect();
  client.send(get("/1", "Connection: close\r\n"));
  ASSERT_TRUE(run_until(context, [&] { return kept.size() == 1; }));
  hand_over();

  kept[0].respond({}, "first");

  EXPECT_TRUE(client.sees_the_end());
  client.close();
  expect_drained();
  EXPECT_EQ(taken.opened, 0);
}

TEST_P(HandOverTest, AnswersPipelinedRequestsThatAreHereFirst) {
  keep();
  auto client = connect();
  client.send(get("/1") + get("/2"));
  ASSERT_TRUE(run_until(context, [&] { return kept.size() == 1; }));
  run_ready(context);
  hand_over();
  run_ready(context);

  kept[0].respond({}, "first");
  ASSERT_TRUE(run_until(context, [&] { return kept.size() == 2; }));
  kept[1].respond({}, "second");

  EXPECT_TRUE(client.sees("second"));
  EXPECT_EQ(client.received().find("Connection: close"), std::string::npos);
  expect_drained();
  expect_successor(client, "/3");
}

TEST_P(HandOverTest, AnswersRequestsThatAreHereAndWaitUntilTheirClientReads) {
  answer = [](const Request& request, Responder responder) {
    responder.respond({}, std::string(8'000'000, 'x') + std::string{request.path} + ";");
  };
  auto client = connect();
  client.send(get("/1") + get("/2") + get("/3"));
  run_ready(context);
  hand_over();
  run_ready(context);
  EXPECT_FALSE(drained);

  EXPECT_TRUE(client.sees("/3;"));

  EXPECT_EQ(client.received().find("Connection: close"), std::string::npos);
  expect_drained();
  expect_successor(client, "/4");
}

TEST_P(HandOverTest, LeavesEvenIfTheNextRequestIsAlwaysThereAlready) {
  keep();
  auto client = connect();
  client.send(get("/1"));
  ASSERT_TRUE(run_until(context, [&] { return kept.size() == 1; }));
  client.send(get("/2"));  // is read ahead
  run_ready(context);
  hand_over();
  client.send(get("/3"));
  run_ready(context);

  std::size_t answered = 0;
  while (answered < kept.size()) {  // which grows meanwhile
    kept[answered++].respond({}, "here;");
    run_ready(context);
  }

  EXPECT_TRUE(client.sees("the successor was asked for /3"));
  EXPECT_LE(kept.size(), 2U);
  expect_drained();
}

TEST_P(HandOverTest, AnswersTheRequestOfWhichHalfAHeadIsHere) {
  auto client = connect();
  const std::string request = get("/1");
  client.send(request.substr(0, 10));
  run_ready(context);
  hand_over();
  run_ready(context);
  EXPECT_FALSE(drained);

  client.send(request.substr(10));

  EXPECT_TRUE(client.sees("you asked for /1"));
  EXPECT_EQ(client.received().find("Connection: close"), std::string::npos);
  expect_drained();
  expect_successor(client, "/2");
}

TEST_P(HandOverTest, AnswersTheRequestOfWhichHalfAHeadCameWithTheOneBefore) {
  keep();
  auto client = connect();
  client.send(get("/1"));
  ASSERT_TRUE(run_until(context, [&] { return kept.size() == 1; }));
  const std::string request = get("/3");
  client.send(get("/2") + request.substr(0, 10));  // are read ahead
  run_ready(context);
  hand_over();
  kept[0].respond({}, "first");
  ASSERT_TRUE(run_until(context, [&] { return kept.size() == 2; }));
  kept[1].respond({}, "second");
  run_ready(context);

  client.send(request.substr(10));

  ASSERT_TRUE(run_until(context, [&] { return kept.size() == 3; }));
  kept[2].respond({}, "third");
  EXPECT_TRUE(client.sees("third"));
  expect_drained();
  expect_successor(client, "/4");
}

TEST_P(HandOverTest, AnswersTheRequestOfWhichHalfABodyIsHere) {
  echo();
  auto client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234");
  run_ready(context);
  hand_over();
  run_ready(context);
  EXPECT_FALSE(drained);

  client.send("56789");

  EXPECT_TRUE(client.sees("0123456789"));
  expect_drained();
  expect_successor(client, "/2");
}

TEST_P(HandOverTest, AnswersTheNextRequestOfWhichSomeCameInAChunkedBodysBuffer) {
  echo();
  auto client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01");
  run_ready(context);
  hand_over();

  client.send("234\r\n0\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nne");
  EXPECT_TRUE(client.sees("01234"));
  client.send("xt");

  EXPECT_TRUE(client.sees("\r\n\r\n01234HTTP/1.1 200 OK"));
  EXPECT_TRUE(client.sees("\r\n\r\nnext"));
  expect_drained();
  expect_successor(client, "/2");
}

TEST_P(HandOverTest, IgnoresAnEmptyLineBehindARequest) {
  auto client = connect();
  client.send(get("/1") + "\r\n");
  ASSERT_TRUE(client.sees("you asked for /1"));

  hand_over();

  expect_drained();
  expect_successor(client, "/2");
}

TEST_P(HandOverTest, SendsWhatIsQueuedFirst) {
  constexpr std::size_t kMuch = 20 << 20;
  answer = [](const Request&, Responder responder) {
    responder.respond({}, std::string(kMuch, 'x') + "the end");
  };
  auto client = connect();
  client.send(get("/large"));
  ASSERT_TRUE(run_until(context, [&] { return recorder.exchanges.size() == 1; }));

  hand_over();
  run_ready(context);
  EXPECT_FALSE(drained);

  EXPECT_TRUE(client.sees("the end"));
  expect_drained();
  expect_successor(client, "/2");
}

TEST_P(HandOverTest, KeepsTheEndsThatAPROXYHeaderHasNamed) {
  config.proxy_protocol = true;
  config.forwarded_allow = TrustedProxies::parse("127.0.0.1,unix");
  auto client = connect(), fresh = connect(), half = connect();
  const std::string header = "PROXY TCP4 203.0.113.9 192.0.2.1 4711 443\r\n";
  client.send(header + get("/1"));
  ASSERT_TRUE(client.sees("you asked for /1"));
  half.send(header.substr(0, 20));
  run_ready(context);

  hand_over();

  expect_successor(client, "/2");
  EXPECT_EQ(last_peer, "203.0.113.9:4711");
  last_peer.clear();
  fresh.send(header + get("/1"));
  EXPECT_TRUE(fresh.sees("the successor was asked for /1"));
  EXPECT_EQ(last_peer, "203.0.113.9:4711");
  last_peer.clear();
  half.send(header.substr(20));
  expect_drained();
  expect_successor(half, "/2");
  EXPECT_EQ(last_peer, "203.0.113.9:4711");
}

TEST_P(HandOverTest, CountsTheRequestsOfAConnectionWhereverTheyWereServed) {
  config.keep_alive_requests = 3;
  auto client = connect();
  for (const char* path : {"/1", "/2"}) {
    client.send(get(path));
    ASSERT_TRUE(client.sees("you asked for " + std::string{path}));
  }

  hand_over();
  client.send(get("/3"));

  EXPECT_TRUE(client.sees("the successor was asked for /3"));
  EXPECT_NE(client.received().find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(client.sees_the_end());
}

TEST_P(HandOverTest, ClosesWhatNobodyTakesAndAnnouncesItInTheAnswersThatAreLeft) {
  keep();
  auto idle = connect(), second = connect(), busy = connect();
  busy.send(get("/1"));
  ASSERT_TRUE(run_until(context, [&] { return kept.size() == 1; }));
  willing = 1;
  hand_over();
  run_ready(context);

  kept[0].respond({}, "last");

  EXPECT_TRUE(busy.sees("last"));
  EXPECT_NE(busy.received().find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(busy.sees_the_end());
  busy.close();
  EXPECT_TRUE(second.sees_the_end());
  expect_drained();
  expect_successor(idle, "/2");
}

TEST_P(HandOverTest, ClosesWhatIsLeftWhenDrainedAgainWithoutASuccessor) {
  keep();
  auto client = connect();
  client.send(get("/1"));
  ASSERT_TRUE(run_until(context, [&] { return kept.size() == 1; }));
  hand_over();
  run_ready(context);

  server->drain([this] { drained = true; });
  kept[0].respond({}, "last");

  EXPECT_TRUE(client.sees("last"));
  EXPECT_NE(client.received().find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(client.sees_the_end());
  client.close();
  expect_drained();
}

TEST_P(HandOverTest, NoticesThatTheClientOfARunningRequestHasGone) {
  keep();
  auto client = connect();
  client.send(get("/1"));
  ASSERT_TRUE(run_until(context, [&] { return kept.size() == 1; }));
  client.send(get("/2"));
  run_ready(context);
  hand_over();
  kept[0].respond({}, "first");
  ASSERT_TRUE(run_until(context, [&] { return kept.size() == 2; }));
  run_ready(context);

  client.close();

  EXPECT_TRUE(run_until(context, [&] { return kept[1].client_gone(); }));
  kept.clear();
  expect_drained();
}

TEST_P(HandOverTest, LetsAClientGoThatHasGoneAlready) {
  auto client = connect();
  client.send(get("/1"));
  ASSERT_TRUE(client.sees("you asked for /1"));
  client.close();

  hand_over();

  expect_drained();
  EXPECT_TRUE(run_until(context, [&] { return taken.opened == taken.closed; }));
}

TEST_P(HandOverTest, ClosesAnAdoptedConnectionThatStaysIdle) {
  config.timeouts.idle = std::chrono::milliseconds{50};
  config.timeouts.header = std::chrono::hours{1};
  auto client = connect();
  client.send(get("/1"));
  ASSERT_TRUE(client.sees("you asked for /1"));

  hand_over();

  EXPECT_TRUE(run_until(context, [&] { return taken.closed == 1; }));
  EXPECT_TRUE(client.sees_the_end());
}

INSTANTIATE_TEST_SUITE_P(OverUnixSockets, HandOverTest, ::testing::Values(&test::make_socketpair));
INSTANTIATE_TEST_SUITE_P(OverTcp, HandOverTest, ::testing::Values(&test::make_tcp_pair));

}  // namespace
}  // namespace spawning
