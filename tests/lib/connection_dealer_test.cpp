// SPDX-License-Identifier: MIT
#include "supervise/connection_dealer.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

namespace spawning {
namespace {

struct Dealt {
  control::Connections connections;
  std::vector<UniqueFd> sockets;
};

// Each with the number of its place as the requests it has served.
Dealt connections(std::size_t count) {
  Dealt all;
  for (std::size_t i = 0; i < count; ++i) {
    all.connections.states.push_back({.requests = i});
    all.sockets.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  }
  return all;
}

TEST(ConnectionDealerTest, DealsInTurnAndGoesOnWhereItStopped) {
  ConnectionDealer dealer;
  auto many = connections(3), one = connections(1);
  const int third = many.sockets[2].get();

  const auto first = dealer.deal(std::move(many.connections), std::move(many.sockets), {{}, {}});
  const auto second = dealer.deal(std::move(one.connections), std::move(one.sockets), {{}, {}});

  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first[0].connections, (control::Connections{{{.requests = 0}, {.requests = 2}}}));
  EXPECT_EQ(first[0].sockets[1].get(), third);
  EXPECT_EQ(first[1].connections, (control::Connections{{{.requests = 1}}}));
  EXPECT_TRUE(second[0].sockets.empty());
  EXPECT_EQ(second[1].sockets.size(), 1U);
}

TEST(ConnectionDealerTest, GivesIdleConnectionsToThoseWhoHaveFewest) {
  ConnectionDealer dealer;
  auto seven = connections(7);

  const auto hands = dealer.deal(std::move(seven.connections), std::move(seven.sockets),
                                 {{.connections = 10}, {.connections = 5}, {.connections = 6}});

  EXPECT_EQ(hands[0].sockets.size(), 0U);
  EXPECT_EQ(hands[1].sockets.size(), 4U);
  EXPECT_EQ(hands[2].sockets.size(), 3U);
}

TEST(ConnectionDealerTest, GivesRequestsToThoseWithMostRoom) {
  ConnectionDealer dealer;
  auto five = connections(5);
  for (auto& each : five.connections.states) each.octets = "GET / HTTP/1.1\r\n\r\n";

  const auto hands = dealer.deal(
      std::move(five.connections), std::move(five.sockets),
      {{.connections = 0, .room = -1}, {.connections = 100, .room = 3}, {.connections = 9}});

  EXPECT_EQ(hands[0].sockets.size(), 0U);
  EXPECT_EQ(hands[1].sockets.size(), 4U);
  EXPECT_EQ(hands[2].sockets.size(), 1U);
}

TEST(ConnectionDealerTest, LeavesOutWhatHasNoSocket) {
  ConnectionDealer dealer;
  auto two = connections(2);
  two.sockets[0].reset();

  const auto hands = dealer.deal(std::move(two.connections), std::move(two.sockets), {{}});

  ASSERT_EQ(hands.size(), 1U);
  EXPECT_EQ(hands[0].sockets.size(), 1U);
  EXPECT_EQ(hands[0].connections, (control::Connections{{{.requests = 1}}}));
}

TEST(ConnectionDealerTest, DealsNothingIfThereAreNotAsManySocketsAsConnections) {
  ConnectionDealer dealer;
  auto two = connections(2);
  two.sockets.pop_back();

  EXPECT_TRUE(dealer.deal(std::move(two.connections), std::move(two.sockets), {{}}).empty());
}

}  // namespace
}  // namespace spawning
