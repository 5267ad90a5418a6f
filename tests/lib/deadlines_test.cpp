// SPDX-License-Identifier: MIT
#include "net/deadlines.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace spawning {
namespace {

using namespace std::chrono_literals;
using Kind = Deadlines::Kind;

struct DeadlinesTest : ::testing::Test {
  Deadlines deadlines{{10s, 20s, 1s, 75s, 30s, 2s}};
  Deadlines::Clock::time_point start{1000s};
  std::vector<Deadlines::Node*> expired;

  void sweep_at(std::chrono::seconds later) {
    deadlines.sweep(start + later, [this](auto& node, Kind) { expired.push_back(&node); });
  }
};

TEST_F(DeadlinesTest, ExpireInTheOrderOfArming) {
  Deadlines::Node first, second;
  deadlines.arm(first, Kind::header, start);
  deadlines.arm(second, Kind::header, start + 1s);

  sweep_at(9s);
  EXPECT_TRUE(expired.empty());
  sweep_at(10s);
  EXPECT_EQ(expired, (std::vector{&first}));
  sweep_at(11s);
  EXPECT_EQ(expired, (std::vector{&first, &second}));
}

TEST_F(DeadlinesTest, OfOneKindDoNotDelayAnother) {
  Deadlines::Node slow, quick;
  deadlines.arm(slow, Kind::idle, start);
  deadlines.arm(quick, Kind::linger, start + 5s);

  sweep_at(7s);

  EXPECT_EQ(expired, (std::vector{&quick}));
  deadlines.disarm(slow);
}

TEST_F(DeadlinesTest, ArmedAnewStartAnew) {
  Deadlines::Node node;
  deadlines.arm(node, Kind::header, start);
  deadlines.arm(node, Kind::body, start + 9s);

  sweep_at(28s);
  EXPECT_TRUE(expired.empty());
  sweep_at(29s);
  EXPECT_EQ(expired.size(), 1U);
  EXPECT_FALSE(node.armed());
}

TEST_F(DeadlinesTest, DisarmedNeverExpire) {
  Deadlines::Node first, second, third;
  for (auto* node : {&first, &second, &third}) deadlines.arm(*node, Kind::header, start);
  deadlines.disarm(second);
  deadlines.disarm(second);

  sweep_at(60s);

  EXPECT_EQ(expired, (std::vector{&first, &third}));
}

TEST_F(DeadlinesTest, MayBeChangedWhileTheyExpire) {
  Deadlines::Node first, second;
  deadlines.arm(first, Kind::header, start);
  deadlines.arm(second, Kind::header, start);
  int calls = 0;

  deadlines.sweep(start + 10s, [&](auto&, Kind) {
    ++calls;
    deadlines.disarm(second);
    deadlines.arm(first, Kind::idle, start + 10s);
  });

  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(first.armed());
  EXPECT_FALSE(second.armed());
  deadlines.disarm(first);
}

}  // namespace
}  // namespace spawning
