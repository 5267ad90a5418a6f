// SPDX-License-Identifier: MIT
#include "spawning/tally.hpp"

#include <gtest/gtest.h>

namespace spawning {
namespace {

using namespace std::chrono_literals;

TEST(TallyTest, CountsUnusualMethodsTogether) {
  EXPECT_EQ(counted_method("GET"), 0U);
  EXPECT_EQ(counted_method("OPTIONS"), 6U);
  EXPECT_EQ(counted_method("PROPFIND"), 7U);
  EXPECT_EQ(counted_method("other"), 7U);
  EXPECT_EQ(counted_method("get"), 7U);  // RFC 9110 §9.1: case-sensitive
  EXPECT_EQ(counted_method(""), 7U);
}

TEST(TallyTest, PutsDurationsIntoTheFirstBucketThatIncludesThem) {
  EXPECT_EQ(DurationTally::bucket_of(-1ns), 0U);
  EXPECT_EQ(DurationTally::bucket_of(0ns), 0U);
  EXPECT_EQ(DurationTally::bucket_of(500us), 0U);
  EXPECT_EQ(DurationTally::bucket_of(500us + 1ns), 1U);
  EXPECT_EQ(DurationTally::bucket_of(60s), 15U);
  EXPECT_EQ(DurationTally::bucket_of(60s + 1ns), 16U);
}

TEST(TallyTest, KnowsWhatAShareOfDurationsStayedWithin) {
  DurationTally durations;
  EXPECT_EQ(durations.quantile(.5), std::nullopt);

  durations.counts[1] = 10;  // 0.5 to 1 ms
  EXPECT_NEAR(*durations.quantile(0), .0005, 1e-9);
  EXPECT_NEAR(*durations.quantile(.5), .00075, 1e-9);
  EXPECT_NEAR(*durations.quantile(1), .001, 1e-9);

  durations.counts[16] = 10;  // above a minute
  EXPECT_NEAR(*durations.quantile(.25), .00075, 1e-9);
  EXPECT_EQ(durations.quantile(.9), 60);
}

TEST(TallyTest, KnowsWhatHasComeSince) {
  DurationTally durations, earlier;
  earlier.counts[2] = 3;
  earlier.nanoseconds = 100;
  durations.counts[2] = 5;
  durations.nanoseconds = 150;

  durations -= earlier;

  EXPECT_EQ(durations.counts[2], 2U);
  EXPECT_EQ(durations.nanoseconds, 50U);
}

TEST(TallyTest, CountsServerErrorsOfAllMethods) {
  Tally tally;
  tally.exchanges[0] = {1, 0, 20, 0, 4, 5};
  tally.exchanges[2][5] = 2;

  EXPECT_EQ(tally.server_errors(), 7U);
}

}  // namespace
}  // namespace spawning
