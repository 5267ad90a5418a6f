// SPDX-License-Identifier: MIT
// What does not come in time.
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "spawning/server.hpp"
#include "support/server_fixture.hpp"

namespace spawning {
namespace {

using test::run_until, test::ServerTest;

TEST_P(ServerTest, ClosesAConnectionThatStaysIdle) {
  config.timeouts.idle = std::chrono::seconds{1};
  auto client = connect();
  client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(client.sees("you asked for /x"));

  EXPECT_TRUE(client.sees_the_end());
}

TEST_P(ServerTest, ServesARequestAfterTheConnectionGaveItsBufferBack) {
  auto client = connect();
  client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(client.sees("you asked for /x"));
  const auto later = std::chrono::steady_clock::now() + std::chrono::milliseconds{2200};
  ASSERT_TRUE(run_until(context, [&] { return std::chrono::steady_clock::now() > later; }));

  client.send("GET /y HTTP/1.1\r\nHost: a\r\n\r\n");

  EXPECT_TRUE(client.sees("you asked for /y"));
}

TEST_P(ServerTest, Answers408WhenAHeadDoesNotArriveInTime) {
  config.timeouts.header = std::chrono::seconds{1};
  auto client = connect();

  client.send("GET / HTTP/1.1\r\nHos");

  EXPECT_TRUE(client.sees_the_end());
  EXPECT_EQ(client.received().rfind("HTTP/1.1 408 ", 0), 0U);
}

TEST_P(ServerTest, Answers408WhenABodyDoesNotArriveInTime) {
  config.timeouts.body = std::chrono::seconds{1};
  auto client = connect();

  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");

  EXPECT_TRUE(client.sees_the_end());
  EXPECT_EQ(client.received().rfind("HTTP/1.1 408 ", 0), 0U);
}

TEST_P(ServerTest, DropsAClientThatNeverReads) {
  config.timeouts.write = std::chrono::seconds{1};
  answer = [](const Request&, Responder responder) {
    responder.respond({}, std::string(32 << 20, 'x'));
  };
  auto client = connect();

  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");

  EXPECT_TRUE(run_until(context, [&] { return recorder.closed == 1; }));
}

INSTANTIATE_TEST_SUITE_P(OverUnixSockets, ServerTest, ::testing::Values(&test::make_socketpair));
INSTANTIATE_TEST_SUITE_P(OverTcp, ServerTest, ::testing::Values(&test::make_tcp_pair));

}  // namespace
}  // namespace spawning
