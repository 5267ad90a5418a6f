// SPDX-License-Identifier: MIT
#include "spawning/server.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "support/server_fixture.hpp"

namespace spawning {
namespace {

using test::RawClient, test::run_ready, test::run_until, test::ServerTest;

TEST_P(ServerTest, AnswersARequest) {
  auto client = connect();

  client.send("GET /tea HTTP/1.1\r\nHost: a\r\n\r\n");

  EXPECT_TRUE(client.sees("you asked for /tea"));
  EXPECT_EQ(client.received().rfind("HTTP/1.1 200 OK\r\n", 0), 0U);
  EXPECT_NE(client.received().find("Content-Length: 18\r\n"), std::string::npos);
  EXPECT_NE(client.received().find("Date: "), std::string::npos);
  EXPECT_FALSE(client.closed());
}

TEST_P(ServerTest, KeepsTheConnectionForTheNextRequest) {
  auto client = connect();
  for (int i = 0; i < 300; ++i) {  // more than a read buffer holds
    const std::string path = "/" + std::to_string(i);
    client.send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(client.sees("you asked for " + path)) << i;
    client.forget();
  }
  EXPECT_EQ(recorder.opened, 1);
  EXPECT_EQ(recorder.exchanges.size(), 300U);
}

TEST_P(ServerTest, AnswersPipelinedRequestsInOrder) {
  auto client = connect();
  std::string requests, last;
  for (int i = 0; i < 500; ++i) {
    last = "/" + std::to_string(i);
    requests += "GET " + last + " HTTP/1.1\r\nHost: a\r\n\r\n";
  }

  client.send(requests);

  EXPECT_TRUE(client.sees("you asked for " + last));
  std::size_t position = 0;
  for (int i = 0; i < 500; ++i) {
    position = client.received().find("you asked for /" + std::to_string(i), position);
    ASSERT_NE(position, std::string::npos) << i;
  }
}

TEST_P(ServerTest, AnswersARequestThatArrivesOctetByOctet) {
  auto client = connect();
  const std::string request = "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n";

  for (const char octet : request) {
    client.send({&octet, 1});
    run_ready(context);
  }

  EXPECT_TRUE(client.sees("you asked for /slow"));
}

TEST_P(ServerTest, ClosesAfterAnHttp10Request) {
  auto client = connect();

  client.send("GET /old HTTP/1.0\r\n\r\n");

  EXPECT_TRUE(client.sees_the_end());
  EXPECT_NE(client.received().find("you asked for /old"), std::string::npos);
  EXPECT_FALSE(client.reset());
}

TEST_P(ServerTest, ClosesWhenTheClientAsksForIt) {
  auto client = connect();

  client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");

  EXPECT_TRUE(client.sees_the_end());
  EXPECT_NE(client.received().find("Connection: close\r\n"), std::string::npos);
}

TEST_P(ServerTest, ClosesAfterEveryRequestWithoutKeepAlive) {
  config.keep_alive = false;
  auto client = connect();

  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");

  EXPECT_TRUE(client.sees_the_end());
}

TEST_P(ServerTest, SendsNoBodyForHead) {
  auto client = connect();

  client.send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\nGET /y HTTP/1.1\r\nHost: a\r\n\r\n");

  EXPECT_TRUE(client.sees("you asked for /y"));
  EXPECT_EQ(client.received().find("you asked for /x"), std::string::npos);
}

TEST_P(ServerTest, StreamsEveryBlockAtOnce) {
  std::optional<Responder> stream;
  answer = [&](const Request&, Responder responder) { stream.emplace(std::move(responder)); };
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(run_until(context, [&] { return stream.has_value(); }));

  stream->start({});
  EXPECT_EQ(stream->write("one"), WriteStatus::ok);
  EXPECT_TRUE(client.sees("3\r\none\r\n"));
  EXPECT_EQ(stream->write("three"), WriteStatus::ok);
  EXPECT_TRUE(client.sees("5\r\nthree\r\n"));
  stream->finish();

  EXPECT_TRUE(client.sees("0\r\n\r\n"));
  EXPECT_NE(client.received().find("Transfer-Encoding: chunked\r\n"), std::string::npos);
}

TEST_P(ServerTest, HoldsAProducerBackWhileTheClientDoesNotRead) {
  config.unsent_high = Bytes{1 << 20};
  std::optional<Responder> stream;
  answer = [&](const Request&, Responder responder) { stream.emplace(std::move(responder)); };
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(run_until(context, [&] { return stream.has_value(); }));
  stream->start({});
  const std::string block(64 << 10, 'x');
  std::size_t blocks = 1;
  while (stream->write(block) == WriteStatus::ok) ++blocks;
  bool resumed = false;
  stream->when_writable([&] { resumed = true; });
  run_ready(context);
  EXPECT_FALSE(resumed);

  EXPECT_TRUE(run_until(context, [&] {
    client.receive();
    return resumed;
  }));
  stream->write("the end");
  stream->finish();

  EXPECT_TRUE(client.sees("the end"));
  EXPECT_EQ(
      static_cast<std::size_t>(std::count(client.received().begin(), client.received().end(), 'x')),
      blocks * block.size());
}

TEST_P(ServerTest, IsAnsweredFromAnotherThread) {
  std::vector<std::thread> threads;
  answer = [&](const Request& request, Responder responder) {
    threads.emplace_back([path = std::string{request.path}, r = std::move(responder)]() mutable {
      r.respond({}, "from afar: " + path);
    });
  };
  auto client = connect();
  for (int i = 0; i < 50; ++i) {
    const std::string path = "/" + std::to_string(i);
    client.send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(client.sees("from afar: " + path));
  }
  for (auto& thread : threads) thread.join();
}

TEST_P(ServerTest, GoesOnWithPipelinedRequestsThatOtherThreadsAnswer) {
  std::vector<std::thread> threads;
  answer = [&](const Request& request, Responder responder) {
    threads.emplace_back([path = std::string{request.path}, r = std::move(responder)]() mutable {
      r.respond({}, "from afar: " + path);
    });
  };
  auto client = connect();
  std::string requests;
  for (int i = 0; i < 50; ++i)
    requests += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n";

  client.send(requests);

  EXPECT_TRUE(client.sees("from afar: /49"));
  for (auto& thread : threads) thread.join();
}

TEST_P(ServerTest, RefusesWhatIsMalformedAndLetsTheClientSeeIt) {
  auto client = connect();

  client.send("GET / HTTP/1.1\r\nHost : a\r\n\r\n" + std::string(100'000, 'x'));

  EXPECT_TRUE(client.sees_the_end());
  EXPECT_FALSE(client.reset());
  EXPECT_EQ(client.received().rfind("HTTP/1.1 400 Bad Request\r\n", 0), 0U);
  EXPECT_NE(client.received().find("Connection: close\r\n"), std::string::npos);
  ASSERT_EQ(recorder.exchanges.size(), 1U);
  EXPECT_EQ(recorder.exchanges[0].outcome, Outcome::refused);
  EXPECT_EQ(recorder.exchanges[0].status, 400U);
}

TEST_P(ServerTest, RefusesTheMalformedRequestBehindAGoodOne) {
  auto client = connect();

  client.send("GET /good HTTP/1.1\r\nHost: a\r\n\r\nGET /bad HTTP/9.9\r\n\r\n");

  EXPECT_TRUE(client.sees_the_end());
  EXPECT_NE(client.received().find("you asked for /good"), std::string::npos);
  EXPECT_NE(client.received().find("HTTP/1.1 505 "), std::string::npos);
}

TEST_P(ServerTest, Answers500WhenTheHandlerThrows) {
  answer = [](const Request&, Responder) { throw std::runtime_error{"no"}; };
  auto client = connect();

  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");

  EXPECT_TRUE(client.sees("HTTP/1.1 500 Internal Server Error\r\n"));
}

TEST_P(ServerTest, BreaksTheConnectionWhenTheHandlerThrowsHalfWay) {
  answer = [](const Request&, Responder responder) {
    responder.start({});
    responder.write("half");
    throw std::runtime_error{"no"};
  };
  auto client = connect();

  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");

  EXPECT_TRUE(client.sees_the_end());
  EXPECT_NE(client.received().find("half"), std::string::npos);
  EXPECT_EQ(client.received().find("0\r\n\r\n"), std::string::npos);
  EXPECT_EQ(recorder.exchanges.at(0).outcome, Outcome::aborted);
}

TEST_P(ServerTest, BreaksTheConnectionWhenTheAnswerIsShorterThanDeclared) {
  answer = [](const Request&, Responder responder) {
    responder.start({}, 10);
    responder.write("short");
    responder.finish();
  };
  auto client = connect();

  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");

  EXPECT_TRUE(client.sees_the_end());
  EXPECT_EQ(recorder.exchanges.at(0).outcome, Outcome::aborted);
}

TEST_P(ServerTest, AnswersAClientThatHasShutItsSendingEnd) {
  config.timeouts.half_closed = std::chrono::seconds{30};
  auto client = connect();
  client.send("GET /half HTTP/1.1\r\nHost: a\r\n\r\n");
  client.shut_sending();

  EXPECT_TRUE(client.sees("you asked for /half"));
  EXPECT_TRUE(client.sees_the_end());
}

TEST_P(ServerTest, TellsAHandlerThatTheClientHasGone) {
  std::optional<Responder> stream;
  answer = [&](const Request&, Responder responder) { stream.emplace(std::move(responder)); };
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(run_until(context, [&] { return stream.has_value(); }));
  EXPECT_FALSE(stream->client_gone());

  client.close();

  EXPECT_TRUE(run_until(context, [&] { return stream->client_gone(); }));
}

TEST_P(ServerTest, ShowsTheRequestsThatSomebodyWorksOnAlsoForAClientThatHasGone) {
  std::optional<Responder> waiting, running, abandoned;
  answer = [&](const Request& request, Responder responder) {
    const bool begun = request.path != "/waiting" && responder.begin();
    auto& kept = !begun ? waiting : request.path == "/running" ? running : abandoned;
    kept.emplace(std::move(responder));
  };
  const auto shown = [this] {
    std::multiset<std::string> targets;
    server->each_running([&](const RunningRequest& request) {
      EXPECT_EQ(request.method, "GET");
      EXPECT_EQ(request.thread, ::pthread_self());
      targets.emplace(request.target);
    });
    return targets;
  };
  auto first = connect(), second = connect(), third = connect();
  first.send("GET /running?n=1 HTTP/1.1\r\nHost: a\r\n\r\n");
  second.send("GET /waiting HTTP/1.1\r\nHost: a\r\n\r\n");
  third.send("GET /abandoned HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(run_until(context, [&] { return waiting && running && abandoned; }));

  third.close();
  ASSERT_TRUE(run_until(context, [&] { return abandoned->client_gone(); }));

  EXPECT_EQ(shown(), (std::multiset<std::string>{"/abandoned", "/running?n=1"}));
  running->respond({}, "done");
  abandoned.reset();
  EXPECT_EQ(shown(), std::multiset<std::string>{});
}

TEST_P(ServerTest, ClosesAnIdleConnectionAtOnceWhenDrained) {
  auto client = connect();
  client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(client.sees("you asked for /x"));
  bool drained = false;

  server->drain([&] { drained = true; });

  EXPECT_TRUE(client.sees_the_end());
  EXPECT_TRUE(run_until(context, [&] { return drained; }));
}

TEST_P(ServerTest, FinishesARunningRequestWhenDrainedAndAnnouncesTheClose) {
  std::optional<Responder> kept;
  answer = [&](const Request&, Responder responder) { kept.emplace(std::move(responder)); };
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(run_until(context, [&] { return kept.has_value(); }));
  bool drained = false;

  server->drain([&] { drained = true; });
  run_ready(context);
  EXPECT_FALSE(drained);
  kept->respond({}, "late but whole");

  EXPECT_TRUE(client.sees("late but whole"));
  EXPECT_TRUE(client.sees_the_end());
  client.close();
  EXPECT_NE(client.received().find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(run_until(context, [&] { return drained; }));
}

TEST_P(ServerTest, AnswersARequestThatIsOnItsWayWhenDrained) {
  auto client = connect();
  client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(client.sees("you asked for /1"));

  client.send("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
  server->drain([] {});

  EXPECT_TRUE(client.sees("you asked for /2"));
}

TEST_P(ServerTest, CanBeDestroyedWhileARequestIsRunning) {
  std::optional<Responder> kept;
  answer = [&](const Request&, Responder responder) { kept.emplace(std::move(responder)); };
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(run_until(context, [&] { return kept.has_value(); }));

  server.reset();

  EXPECT_TRUE(kept->client_gone());
  kept->respond({}, "too late");
  EXPECT_TRUE(client.sees_the_end());
}

TEST_P(ServerTest, CountsConnectionsAndRecordsEachExchangeOnce) {
  {
    auto client = connect();
    client.send("GET /a?b HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(client.sees("you asked for /a"));
  }

  EXPECT_TRUE(run_until(context, [&] { return recorder.closed == 1; }));
  EXPECT_EQ(recorder.opened, 1);
  ASSERT_EQ(recorder.exchanges.size(), 1U);
  EXPECT_EQ(recorder.exchanges[0].method, "GET");
  EXPECT_EQ(recorder.exchanges[0].target, "/a?b");
  EXPECT_EQ(recorder.exchanges[0].status, 200U);
  EXPECT_EQ(recorder.exchanges[0].body_octets, 16U);
}

INSTANTIATE_TEST_SUITE_P(OverUnixSockets, ServerTest, ::testing::Values(&test::make_socketpair));
INSTANTIATE_TEST_SUITE_P(OverTcp, ServerTest, ::testing::Values(&test::make_tcp_pair));

TEST(ServerListenTest, AcceptsOnASharedSocketUpToItsLimitAndGoesOnBelowIt) {
  IoContext context{1};
  const Log log{STDERR_FILENO, "test"};
  test::FunctionHandler handler{[](const Request&, Responder r) { r.respond({}, "ok"); }};
  HttpConfig config;
  config.max_connections = 2;
  Server server{context, handler, log, config};
  auto [socket, port] = test::listen_on_loopback();
  server.listen(std::move(socket));

  auto first = test::connect_to(port), second = test::connect_to(port);
  ASSERT_TRUE(run_until(context, [&] { return server.connections() == 2; }));
  RawClient third{context, test::connect_to(port)};
  third.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  run_ready(context);
  EXPECT_EQ(server.connections(), 2U);

  first.reset();
  EXPECT_TRUE(third.sees("ok"));
}

TEST(ServerListenTest, LeavesConnectionsInTheBacklogWhileItMayNotAccept) {
  IoContext context{1};
  const Log log{STDERR_FILENO, "test"};
  test::FunctionHandler handler{[](const Request&, Responder r) { r.respond({}, "ok"); }};
  Server server{context, handler, log};
  bool willing = false;
  server.accept_while([&] { return willing; });
  auto [socket, port] = test::listen_on_loopback();
  server.listen(std::move(socket));

  RawClient client{context, test::connect_to(port)};
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  run_ready(context);
  EXPECT_EQ(server.connections(), 0U);

  willing = true;
  server.accept_again();
  EXPECT_TRUE(client.sees("ok"));
}

}  // namespace
}  // namespace spawning
