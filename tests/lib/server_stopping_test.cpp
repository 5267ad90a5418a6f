// SPDX-License-Identifier: MIT
// How a Server ends without a successor: who still gets an answer, and what the answers announce.
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>

#include "spawning/server.hpp"
#include "support/function_handler.hpp"
#include "support/loopback.hpp"
#include "support/raw_client.hpp"
#include "support/run_until.hpp"
#include "support/server_fixture.hpp"

namespace spawning {
namespace {

using test::connect_to, test::RawClient, test::run_until;

constexpr const char* kRequest = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr const char* kAnswer = "you asked for /x";
constexpr const char* kClose = "Connection: close\r\n";

struct ServerStoppingTest : test::ServerTest {
  void SetUp() override {
    server.emplace(context, handler, log, config, &recorder);
    server->accept_while([this] { return accepts; });
    auto [socket, chosen] = test::listen_on_loopback();
    port = chosen;
    server->listen(std::move(socket));
  }

  RawClient newcomer() { return {context, connect_to(port)}; }

  [[nodiscard]] bool announces_close(const RawClient& client) const {
    return client.received().find(kClose) != std::string::npos;
  }

  std::uint16_t port = 0;
  bool accepts = true;
  bool drained = false;
};

TEST_P(ServerStoppingTest, AnnouncesTheCloseAndGoesOnAccepting) {
  auto before = newcomer();
  before.send(kRequest);
  ASSERT_TRUE(before.sees(kAnswer));
  before.forget();

  server->announce_close();

  before.send(kRequest);
  EXPECT_TRUE(before.sees(kAnswer));
  EXPECT_TRUE(announces_close(before));
  auto after = newcomer();
  after.send(kRequest);
  EXPECT_TRUE(after.sees(kAnswer));
  EXPECT_TRUE(announces_close(after));
}

TEST_P(ServerStoppingTest, KeepsIdleConnectionsWhileItAnnouncesTheClose) {
  auto client = newcomer();
  client.send(kRequest);
  ASSERT_TRUE(client.sees(kAnswer));

  server->announce_close();
  test::run_ready(context);

  EXPECT_EQ(server->connections(), 1U);
}

TEST_P(ServerStoppingTest, AnswersEverybodyInTheBacklogHoweverBusyItIs) {
  accepts = false;
  auto first = newcomer(), second = newcomer();
  first.send(kRequest);
  second.send(kRequest);
  test::run_ready(context);
  ASSERT_EQ(recorder.opened, 0);

  server->drain([this] { drained = true; });

  EXPECT_TRUE(first.sees(kAnswer));
  EXPECT_TRUE(second.sees(kAnswer));
  EXPECT_TRUE(announces_close(first));
  first.close();
  second.close();
  EXPECT_TRUE(run_until(context, [&] { return drained; }));
}

TEST_P(ServerStoppingTest, AnswersWhoGetsIntoTheBacklogWhileItIsEmptied) {
  server->drain([this] { drained = true; });

  auto late = newcomer();
  late.send(kRequest);

  EXPECT_TRUE(late.sees(kAnswer));
  late.close();
  EXPECT_TRUE(run_until(context, [&] { return drained; }));
  EXPECT_THROW(newcomer(), std::system_error);
}

TEST_P(ServerStoppingTest, LeavesTheBacklogToSiblingsWhenItHandsOver) {
  accepts = false;
  auto waiting = newcomer();

  server->drain([this] { drained = true; }, [](HandedConnection&) { return true; });

  EXPECT_TRUE(run_until(context, [&] { return drained; }));
  EXPECT_EQ(recorder.opened, 0);
}

TEST_P(ServerStoppingTest, GivesAConnectionTimeForItsFirstRequest) {
  auto client = connect();
  test::run_ready(context);

  server->drain([this] { drained = true; });
  test::run_ready(context);
  client.send(kRequest);

  EXPECT_TRUE(client.sees(kAnswer));
  EXPECT_TRUE(announces_close(client));
}

TEST_P(ServerStoppingTest, ClosesAConnectionWhoseFirstRequestDoesNotCome) {
  auto client = connect();

  server->drain([this] { drained = true; });

  EXPECT_TRUE(client.sees_the_end());
  EXPECT_EQ(client.received(), "");
  EXPECT_TRUE(run_until(context, [&] { return drained; }));
}

TEST_P(ServerStoppingTest, GivesAFirstRequestThatHasBegunItsWholeTime) {
  auto client = connect();
  server->drain([this] { drained = true; });
  client.send("GET /x HT");
  const auto long_enough = std::chrono::steady_clock::now() + std::chrono::seconds{1};
  ASSERT_TRUE(run_until(context, [&] { return std::chrono::steady_clock::now() > long_enough; }));

  client.send("TP/1.1\r\nHost: a\r\n\r\n");

  EXPECT_TRUE(client.sees(kAnswer));
}

INSTANTIATE_TEST_SUITE_P(OverUnixSockets, ServerStoppingTest,
                         ::testing::Values(&test::make_socketpair));
INSTANTIATE_TEST_SUITE_P(OverTcp, ServerStoppingTest, ::testing::Values(&test::make_tcp_pair));

}  // namespace
}  // namespace spawning
