// SPDX-License-Identifier: MIT
// What the record of an exchange says to whoever writes logs.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "support/run_until.hpp"
#include "support/server_fixture.hpp"

namespace spawning {
namespace {

using namespace std::chrono_literals;

// Keeps a copy of what Recorder does not.
struct Keeper : test::Recorder {
  struct Line {
    std::string path, query, host, client, response_head, request_id;
    std::vector<std::string> headers;
    std::uint64_t request_octets, head_octets;
    bool keep_alive;
  };

  [[nodiscard]] bool reads_response_heads() const override { return reads; }
  void exchange_ended(const ExchangeRecord& record) override {
    Recorder::exchange_ended(record);
    Line line{.path = std::string{record.path},
              .query = std::string{record.query},
              .host = std::string{record.host},
              .client = record.client->host,
              .response_head = std::string{record.response_head},
              .request_id = std::string{record.request_id},
              .headers = {},
              .request_octets = record.request_octets,
              .head_octets = record.head_octets,
              .keep_alive = record.keep_alive};
    for (const Header& each : record.headers) line.headers.emplace_back(each.name);
    lines.push_back(line);
  }

  bool reads = true;
  std::vector<Line> lines;
};

struct ExchangeRecordTest : test::ServerTest {
  Keeper keeper;

  ~ExchangeRecordTest() override { server.reset(); }  // before its observer

  test::RawClient connect() {
    if (!server) server.emplace(context, handler, log, config, &keeper);
    return ServerTest::connect();
  }

  static std::string head_of(const std::string& answer) {
    return answer.substr(0, answer.find("\r\n\r\n") + 4);
  }
};

TEST_P(ExchangeRecordTest, ShowsTheRequestAndTheHeadOfTheResponse) {
  const std::string request =
      "POST /a?b HTTP/1.1\r\nHost: shop\r\nA: b\r\nContent-Length: 3\r\n\r\nabc";
  auto client = connect();
  client.send(request);
  ASSERT_TRUE(client.sees("you asked for /a"));

  ASSERT_EQ(keeper.lines.size(), 1U);
  const Keeper::Line& line = keeper.lines[0];
  EXPECT_EQ(line.path, "/a");
  EXPECT_EQ(line.query, "b");
  EXPECT_EQ(line.host, "shop");
  EXPECT_EQ(line.headers, (std::vector<std::string>{"Host", "A", "Content-Length"}));
  EXPECT_EQ(line.request_octets, request.size());
  EXPECT_EQ(line.response_head, head_of(client.received()));
  EXPECT_EQ(line.head_octets, line.response_head.size());
  EXPECT_TRUE(line.keep_alive);
  EXPECT_EQ(line.request_id, "");
}

TEST_P(ExchangeRecordTest, ForgetsTheHeadOfAResponseThatNobodyReads) {
  keeper.reads = false;
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  ASSERT_TRUE(client.sees_the_end());

  EXPECT_EQ(keeper.lines.at(0).response_head, "");
  EXPECT_EQ(keeper.lines.at(0).head_octets, head_of(client.received()).size());
  EXPECT_FALSE(keeper.lines.at(0).keep_alive);
}

TEST_P(ExchangeRecordTest, ShowsNothingOfTheRequestBeforeInOneThatCannotBeRead) {
  auto client = connect();
  client.send("GET /first?q HTTP/1.1\r\nHost: shop\r\nA: b\r\n\r\n");
  ASSERT_TRUE(client.sees("you asked for /first"));
  client.send("GET /second HTTP/1.1\r\nA : b\r\n");
  ASSERT_TRUE(client.sees("400 Bad Request"));

  ASSERT_EQ(keeper.lines.size(), 2U);
  EXPECT_EQ(keeper.exchanges[1].target, "/second");
  EXPECT_EQ(keeper.lines[1].path, "");
  EXPECT_EQ(keeper.lines[1].query, "");
  EXPECT_EQ(keeper.lines[1].host, "");
  EXPECT_TRUE(keeper.lines[1].headers.empty());
  EXPECT_NE(keeper.lines[1].response_head.find("400 Bad Request"), std::string::npos);
}

TEST_P(ExchangeRecordTest, SaysThatAHeadWasLate) {
  config.timeouts.header = 100ms;
  auto client = connect();
  client.send("GET /late HTTP/1.1\r\nHost:");

  ASSERT_TRUE(client.sees("408 Request Timeout"));
  EXPECT_EQ(keeper.exchanges.at(0).refusal, RefusalReason::header_timeout);
  EXPECT_EQ(keeper.exchanges.at(0).target, "/late");
}

TEST_P(ExchangeRecordTest, HasTheIdThatTheHandlerAndTheClientSee) {
  config.request_id = true;
  std::string seen;
  answer = [&seen](const Request& request, Responder responder) {
    seen = std::string{find_header(request.headers, "x-request-id")->value};
    responder.respond({}, "answered");
  };
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Request-ID: forged\r\n\r\n");
  ASSERT_TRUE(client.sees("answered"));

  EXPECT_EQ(seen.size(), 32U);
  EXPECT_EQ(keeper.lines.at(0).request_id, seen);
  EXPECT_TRUE(client.sees("X-Request-ID: " + seen + "\r\n"));
  client.forget();
  client.send("nonsense\r\n\r\n");
  ASSERT_TRUE(client.sees("400 Bad Request"));
  EXPECT_EQ(keeper.lines.at(1).request_id.size(), 32U);
  EXPECT_NE(keeper.lines.at(1).request_id, seen);
  EXPECT_TRUE(client.sees("X-Request-ID: " + keeper.lines.at(1).request_id + "\r\n"));
}

INSTANTIATE_TEST_SUITE_P(OverUnixSockets, ExchangeRecordTest,
                         ::testing::Values(&test::make_socketpair));

}  // namespace
}  // namespace spawning
