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

  const auto first = dealer.deal(std::move(many.connections), std::move(many.sockets), 2);
  const auto second = dealer.deal(std::move(one.connections), std::move(one.sockets), 2);

  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first[0].connections, (control::Connections{{{.requests = 0}, {.requests = 2}}}));
  EXPECT_EQ(first[0].sockets[1].get(), third);
  EXPECT_EQ(first[1].connections, (control::Connections{{{.requests = 1}}}));
  EXPECT_TRUE(second[0].sockets.empty());
  EXPECT_EQ(second[1].sockets.size(), 1U);
}

TEST(ConnectionDealerTest, LeavesOutWhatHasNoSocket) {
  ConnectionDealer dealer;
  auto two = connections(2);
  two.sockets[0].reset();

  const auto hands = dealer.deal(std::move(two.connections), std::move(two.sockets), 1);

  ASSERT_EQ(hands.size(), 1U);
  EXPECT_EQ(hands[0].sockets.size(), 1U);
  EXPECT_EQ(hands[0].connections, (control::Connections{{{.requests = 1}}}));
}

TEST(ConnectionDealerTest, DealsNothingIfThereAreNotAsManySocketsAsConnections) {
  ConnectionDealer dealer;
  auto two = connections(2);
  two.sockets.pop_back();

  EXPECT_TRUE(dealer.deal(std::move(two.connections), std::move(two.sockets), 1).empty());
}

}  // namespace
}  // namespace spawning
