// SPDX-License-Identifier: MIT
#include "spawning/restarts.hpp"

#include <gtest/gtest.h>

namespace spawning {
namespace {

Restart restart(unsigned slot, const std::string& reason) {
  Restart restart;
  restart.slot = slot;
  restart.reason = reason;
  return restart;
}

TEST(RestartsTest, AreCountedByReasonAndTheLatestKept) {
  Restarts restarts;

  for (unsigned slot = 0; slot < 25; ++slot)
    restarts.add(restart(slot, slot % 5 == 0 ? "age" : "death"));

  EXPECT_EQ(restarts.counts, (std::map<std::string, std::uint64_t>{{"age", 5}, {"death", 20}}));
  EXPECT_EQ(restarts.latest.size(), Restarts::kMost);
  EXPECT_EQ(restarts.latest.front().slot, 5U);
  EXPECT_EQ(restarts.latest.back().slot, 24U);
}

TEST(RestartsTest, KeepWhatNeverServedWithoutCountingIt) {
  Restarts restarts;

  restarts.add_failed_start(restart(3, "start"));

  EXPECT_TRUE(restarts.counts.empty());
  EXPECT_EQ(restarts.latest.back().slot, 3U);
}

}  // namespace
}  // namespace spawning
