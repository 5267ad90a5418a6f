// SPDX-License-Identifier: MIT
#include "net/http_exchange.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "support/server_fixture.hpp"

namespace spawning {
namespace {

using namespace std::chrono_literals;
using test::RawClient, test::run_until;

constexpr std::string_view kGet = "GET /page HTTP/1.1\r\nHost: a\r\n\r\n";

// What an exchange offers beyond an answer, and what becomes of those that take too long.
struct HttpExchangeTest : test::ServerTest {
  std::vector<Responder> kept;

  void keep() {
    answer = [this](const Request&, Responder responder) { kept.push_back(std::move(responder)); };
  }

  RawClient ask(std::string_view request = kGet) {
    auto client = connect();
    client.send(request);
    EXPECT_TRUE(run_until(context, [&] { return !kept.empty(); }));
    return client;
  }

  static UniqueFd file_of(std::string_view octets) {
    UniqueFd file{::memfd_create("test", MFD_CLOEXEC)};
    EXPECT_EQ(::write(file.get(), octets.data(), octets.size()),
              static_cast<ssize_t>(octets.size()));
    return file;
  }
};

TEST_P(HttpExchangeTest, SendsInterimResponsesBeforeTheResponse) {
  keep();
  auto client = ask();
  const std::array hints{Header{"Link", "</style.css>; rel=preload"}};

  kept.front().inform({.status = 103, .reason = {}, .headers = hints});
  EXPECT_TRUE(client.sees("HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"));
  kept.front().respond({}, "answer");

  EXPECT_TRUE(client.sees("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(client.sees("answer"));
}

TEST_P(HttpExchangeTest, SendsNoInterimResponseToAClientOfHttp10) {
  keep();
  auto client = ask("GET / HTTP/1.0\r\n\r\n");

  kept.front().inform({.status = 103, .reason = {}, .headers = {}});
  kept.front().respond({}, "answer");

  EXPECT_TRUE(client.sees_the_end());
  EXPECT_TRUE(client.received().starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_P(HttpExchangeTest, SendsFiles) {
  const std::string content(5'000'000, 'f');
  answer = [&](const Request&, Responder responder) {
    responder.start({}, content.size() - 10);
    responder.write_file(file_of(content), 10, content.size() - 10);
    responder.finish();
  };
  auto client = connect();
  client.send(std::string{kGet} + "GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");

  EXPECT_TRUE(client.sees_the_end());
  const auto& received = client.received();
  EXPECT_NE(received.find("Content-Length: 4999990\r\n"), std::string::npos);
  EXPECT_EQ(std::count(received.begin(), received.end(), 'f'), 2 * (5'000'000 - 10));
  EXPECT_EQ(recorder.exchanges.at(0).body_octets, content.size() - 10);
}

TEST_P(HttpExchangeTest, SendsFilesInChunksWhereNoLengthIsDeclared) {
  answer = [&](const Request&, Responder responder) {
    responder.start({});
    responder.write_file(file_of("content"), 0, 7);
    responder.write("more");
    responder.finish();
  };
  auto client = connect();
  client.send(kGet);

  EXPECT_TRUE(client.sees("\r\n\r\n7\r\ncontent\r\n4\r\nmore\r\n0\r\n\r\n"));
}

TEST_P(HttpExchangeTest, BreaksTheConnectionWhenAFileIsShorterThanDeclared) {
  answer = [&](const Request&, Responder responder) {
    responder.start({}, 100);
    responder.write_file(file_of("content"), 0, 100);
    responder.finish();
  };
  auto client = connect();
  client.send(kGet);

  EXPECT_TRUE(client.sees_the_end());
  EXPECT_TRUE(run_until(context, [&] { return recorder.closed == 1; }));
}

TEST_P(HttpExchangeTest, BeginsNoWorkForAClientThatHasGone) {
  config.timeouts.half_closed = 1ms;
  keep();
  auto client = ask();
  client.close();
  ASSERT_TRUE(run_until(context, [&] { return recorder.closed == 1; }));

  EXPECT_FALSE(kept.front().begin());

  EXPECT_FALSE(kept.front());
  ASSERT_EQ(recorder.exchanges.size(), 1U);
  EXPECT_EQ(recorder.exchanges[0].status, 499U);
  EXPECT_EQ(recorder.exchanges[0].outcome, Outcome::client_gone);
}

TEST_P(HttpExchangeTest, BeginsNoWorkForAClientThatHasGoneBeforeItWasAccepted) {
  config.timeouts.half_closed = 10ms;
  keep();
  static_cast<void>(connect());  // makes the server
  auto [client, served] = GetParam()();
  ASSERT_EQ(::write(client.get(), kGet.data(), kGet.size()), static_cast<ssize_t>(kGet.size()));
  client.reset();
  const auto gone = std::chrono::steady_clock::now() + 50ms;
  ASSERT_TRUE(run_until(context, [&] { return std::chrono::steady_clock::now() >= gone; }));

  server->adopt(std::move(served));

  EXPECT_TRUE(run_until(context, [&] { return recorder.exchanges.size() == 1; }));
  EXPECT_EQ(recorder.exchanges[0].status, 499U);
  EXPECT_TRUE(kept.empty());
  EXPECT_EQ(recorder.closed, 2);
}

TEST_P(HttpExchangeTest, TellsThatTheClientHasGone) {
  config.timeouts.half_closed = 1ms;
  keep();
  auto client = ask();
  int told = 0;
  kept.front().when_gone([&] { ++told; });

  client.close();
  EXPECT_TRUE(run_until(context, [&] { return told == 1; }));

  EXPECT_TRUE(kept.front().client_gone());
  kept.front().when_gone([&] { told += 10; });
  EXPECT_EQ(told, 11);
}

TEST_P(HttpExchangeTest, TellsNobodyWhoNoLongerAsks) {
  config.timeouts.half_closed = 1ms;
  keep();
  auto client = ask();
  int told = 0;
  kept.front().when_gone([&] { ++told; });
  kept.front().when_gone(nullptr);

  client.close();
  EXPECT_TRUE(run_until(context, [&] { return recorder.closed == 1; }));

  EXPECT_EQ(told, 0);
}

TEST_P(HttpExchangeTest, MayBeEndedByWhoeverIsToldThatTheClientHasGone) {
  config.timeouts.half_closed = 1ms;
  keep();
  auto client = ask();
  kept.front().when_gone([&] { kept.front().abort(); });

  client.close();

  EXPECT_TRUE(run_until(context, [&] { return recorder.exchanges.size() == 1; }));
  EXPECT_EQ(recorder.exchanges[0].outcome, Outcome::client_gone);
}

TEST_P(HttpExchangeTest, MayLoseItsLastResponderWhenTheClientHasGone) {
  config.timeouts.half_closed = 1ms;
  keep();
  auto client = ask();
  auto last = std::make_shared<Responder>(std::move(kept.front()));
  kept.clear();
  last->when_gone([last]() mutable { last.reset(); });
  last.reset();

  client.close();

  EXPECT_TRUE(run_until(context, [&] { return recorder.exchanges.size() == 1; }));
}

TEST_P(HttpExchangeTest, MayLoseItsLastResponderWhereTheClientHasGoneAlready) {
  config.timeouts.half_closed = 1ms;
  keep();
  auto client = ask();
  auto last = std::make_shared<Responder>(std::move(kept.front()));
  kept.clear();
  client.close();
  ASSERT_TRUE(run_until(context, [&] { return last->client_gone(); }));
  ASSERT_TRUE(run_until(context, [&] { return recorder.closed == 1; }));

  Responder& responder = *last;
  responder.when_gone([last = std::exchange(last, nullptr)]() mutable { last.reset(); });

  EXPECT_EQ(recorder.exchanges.size(), 1U);
}

TEST_P(HttpExchangeTest, TakesAClientThatStaysHalfClosedForGone) {
  config.timeouts.half_closed = 50ms;
  keep();
  auto client = ask();
  const auto shut = std::chrono::steady_clock::now();

  client.shut_sending();

  EXPECT_TRUE(run_until(context, [&] { return kept.front().client_gone(); }));
  EXPECT_GE(std::chrono::steady_clock::now() - shut, 50ms);
}

TEST_P(HttpExchangeTest, NoticesThatAClientWithRequestsWaitingHasGone) {
  config.timeouts.half_closed = 1ms;
  keep();
  auto client = ask(std::string{kGet} + std::string{kGet});

  client.close();

  EXPECT_TRUE(run_until(context, [&] { return kept.front().client_gone(); }));
}

TEST_P(HttpExchangeTest, Answers503ForARequestThatRunsForTooLong) {
  config.request_timeouts.request = 100ms;
  keep();
  auto client = ask();
  ASSERT_TRUE(kept.front().begin());

  EXPECT_TRUE(client.sees("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_TRUE(client.sees_the_end());

  EXPECT_NE(client.received().find("Connection: close\r\n"), std::string::npos);
  ASSERT_EQ(recorder.overdue.size(), 1U);
  EXPECT_EQ(recorder.overdue[0].target, "/page");
  EXPECT_EQ(recorder.overdue[0].thread, ::pthread_self());
  ASSERT_EQ(recorder.exchanges.size(), 1U);
  EXPECT_EQ(recorder.exchanges[0].outcome, Outcome::timed_out);
  EXPECT_EQ(recorder.exchanges[0].refusal, RefusalReason::request_timeout);
}

TEST_P(HttpExchangeTest, LetsALateAnswerComeToNothing) {
  config.request_timeouts.request = 100ms;
  keep();
  auto client = ask();
  ASSERT_TRUE(kept.front().begin());
  ASSERT_TRUE(client.sees("503"));

  EXPECT_TRUE(kept.front().client_gone());
  kept.front().start({}, 4);
  EXPECT_EQ(kept.front().write("late"), WriteStatus::gone);
  kept.front().finish();

  EXPECT_TRUE(client.sees_the_end());
  EXPECT_EQ(client.received().find("late"), std::string::npos);
  EXPECT_EQ(recorder.exchanges.size(), 1U);
  kept.clear();
  client.close();
  EXPECT_TRUE(run_until(context, [&] { return recorder.closed == 1; }));
}

TEST_P(HttpExchangeTest, KeepsTheRequestForWhoStillWorksOnItAfterTheAnswer) {
  config.request_timeouts.request = 100ms;
  std::optional<Request> late;
  answer = [&](const Request& request, Responder responder) {
    late.emplace(request);
    kept.push_back(std::move(responder));
  };
  auto client = ask("POST /page HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
  ASSERT_TRUE(kept.front().begin());
  ASSERT_TRUE(client.sees("503"));

  client.send(std::string(100'000, 'x'));
  client.close();
  ASSERT_TRUE(run_until(context, [&] { return recorder.closed == 1; }));

  EXPECT_EQ(late->target, "/page");
  EXPECT_EQ(drain_body(*late->body), "body");
}

TEST_P(HttpExchangeTest, Answers503ForARequestThatWaitsForTooLong) {
  config.request_timeouts.queue = 1100ms;
  keep();
  auto client = ask();

  EXPECT_TRUE(client.sees("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_TRUE(client.sees("Retry-After: 2\r\n"));

  EXPECT_TRUE(recorder.overdue.empty());
  EXPECT_EQ(recorder.exchanges.at(0).refusal, RefusalReason::queue_timeout);
  EXPECT_FALSE(kept.front().begin());
  EXPECT_EQ(recorder.exchanges.size(), 1U);
}

TEST_P(HttpExchangeTest, BreaksAResponseOffThatDoesNotGoOn) {
  config.request_timeouts.request = 100ms;
  keep();
  auto client = ask();
  ASSERT_TRUE(kept.front().begin());
  kept.front().start({});
  kept.front().write("half");

  EXPECT_TRUE(client.sees_the_end());

  EXPECT_EQ(client.received().find("503"), std::string::npos);
  EXPECT_EQ(recorder.overdue.size(), 1U);
  kept.clear();
  EXPECT_EQ(recorder.exchanges.at(0).outcome, Outcome::timed_out);
}

TEST_P(HttpExchangeTest, LeavesAResponseAloneThatGoesOn) {
  config.request_timeouts.request = 1s;
  keep();
  auto client = ask();
  ASSERT_TRUE(kept.front().begin());
  kept.front().start({});
  const auto long_enough = std::chrono::steady_clock::now() + 1500ms;

  EXPECT_TRUE(run_until(context, [&] {
    kept.front().write("more ");
    return std::chrono::steady_clock::now() >= long_enough;
  }));
  kept.front().finish();

  EXPECT_TRUE(client.sees("0\r\n\r\n"));
  EXPECT_TRUE(recorder.overdue.empty());
}

TEST_P(HttpExchangeTest, LeavesAResponseAloneThatWaitsForItsClient) {
  config.request_timeouts.request = 1s;
  config.unsent_high = Bytes{100'000};
  keep();
  auto client = ask();
  ASSERT_TRUE(kept.front().begin());
  kept.front().start({});
  while (kept.front().write(std::string(100'000, 'x')) != WriteStatus::full) {
  }
  std::atomic<bool> writable{false};
  std::thread producer{[&] { writable = kept.front().wait_writable(); }};
  const auto long_enough = std::chrono::steady_clock::now() + 1500ms;
  EXPECT_TRUE(run_until(context, [&] { return std::chrono::steady_clock::now() >= long_enough; }));

  EXPECT_TRUE(recorder.overdue.empty());
  EXPECT_TRUE(run_until(context, [&] {
    client.receive();
    return writable.load();
  }));
  producer.join();
}

TEST_P(HttpExchangeTest, ServesSoManyRequestsAConnection) {
  config.keep_alive_requests = 2;
  auto client = connect();

  client.send(std::string{kGet} + std::string{kGet} + std::string{kGet});

  EXPECT_TRUE(client.sees_the_end());
  EXPECT_EQ(recorder.exchanges.size(), 2U);
  EXPECT_NE(client.received().find("Connection: close\r\n"), std::string::npos);
}

TEST_P(HttpExchangeTest, Answers408WhenABodyComesTooSlowly) {
  config.timeouts.body = 1s;
  config.body_rate = Bytes{std::uint64_t{1} << 40};
  auto client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");

  EXPECT_TRUE(run_until(context, [&] {
    if (!client.closed() && client.received().empty()) client.send("x");
    client.receive();
    return client.received().starts_with("HTTP/1.1 408 Request Timeout\r\n");
  }));
  EXPECT_EQ(recorder.exchanges.at(0).refusal, RefusalReason::body_timeout);
}

TEST_P(HttpExchangeTest, CountsFieldsThatAreDropped) {
  std::size_t fields = 0;
  answer = [&](const Request& request, Responder responder) {
    fields = request.headers.size();
    responder.respond({}, "");
  };
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\nX_Forwarded_For: b\r\nX-Real: c\r\n\r\n");

  EXPECT_TRUE(client.sees("200 OK"));
  EXPECT_EQ(recorder.dropped, 1U);
  EXPECT_EQ(fields, 2U);
}

TEST_P(HttpExchangeTest, SaysWhyItRefused) {
  auto client = connect();
  client.send("GET / HTTP/1.1\r\n\r\n");

  EXPECT_TRUE(client.sees("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_EQ(recorder.exchanges.at(0).refusal, RefusalReason::host);
}

INSTANTIATE_TEST_SUITE_P(OverUnixSockets, HttpExchangeTest,
                         ::testing::Values(&test::make_socketpair));
INSTANTIATE_TEST_SUITE_P(OverTcp, HttpExchangeTest, ::testing::Values(&test::make_tcp_pair));

}  // namespace
}  // namespace spawning
