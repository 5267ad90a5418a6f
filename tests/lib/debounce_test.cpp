// SPDX-License-Identifier: MIT
#include "watch/debounce.hpp"

#include <gtest/gtest.h>

namespace spawning {
namespace {

using namespace std::chrono_literals;

struct DebounceTest : ::testing::Test {
  Debounce debounce{200ms, 2000ms};
  Debounce::Time now{1000s};
};

TEST_F(DebounceTest, HasNothingToTellBeforeAChange) {
  EXPECT_EQ(debounce.deadline(), std::nullopt);
  EXPECT_FALSE(debounce.due(now));
}

TEST_F(DebounceTest, TellsAChangeOnceAfterTheQuietInterval) {
  debounce.change(now);

  EXPECT_EQ(debounce.deadline(), now + 200ms);
  EXPECT_FALSE(debounce.due(now + 199ms));
  EXPECT_TRUE(debounce.due(now + 200ms));
  EXPECT_FALSE(debounce.due(now + 400ms));
  EXPECT_EQ(debounce.deadline(), std::nullopt);
}

TEST_F(DebounceTest, WaitsForTheEndOfABurst) {
  debounce.change(now);
  debounce.change(now + 150ms);
  debounce.change(now + 300ms);

  EXPECT_FALSE(debounce.due(now + 499ms));
  EXPECT_TRUE(debounce.due(now + 500ms));
}

TEST_F(DebounceTest, WaitsOnlySoLongForChangesThatNeverCease) {
  for (auto time = 0ms; time < 2000ms; time += 100ms) {
    debounce.change(now + time);
    EXPECT_FALSE(debounce.due(now + time));
  }

  EXPECT_EQ(debounce.deadline(), now + 2000ms);
  EXPECT_TRUE(debounce.due(now + 2000ms));
}

TEST_F(DebounceTest, CountsFromTheFirstChangeOfEachBurst) {
  debounce.change(now);
  ASSERT_TRUE(debounce.due(now + 200ms));

  debounce.change(now + 5s);

  EXPECT_EQ(debounce.deadline(), now + 5200ms);
}

}  // namespace
}  // namespace spawning
