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

}  // namespace
}  // namespace spawning
