// SPDX-License-Identifier: MIT
#include "spawning/refusal.hpp"

#include <gtest/gtest.h>

#include <set>

namespace spawning {
namespace {

TEST(RefusalTest, HasANameOfItsOwnForEveryReason) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kRefusalReasons; ++i) {
    names.insert(to_string(static_cast<RefusalReason>(i)));
  }

  EXPECT_EQ(names.size(), kRefusalReasons);
  EXPECT_EQ(names.count(""), 0u);
  EXPECT_EQ(to_string(RefusalReason::request_line), "request_line");
  EXPECT_EQ(to_string(RefusalReason::body_size), "body_size");
  EXPECT_EQ(to_string(RefusalReason::storage), "storage");
}

TEST(RefusalTest, AnswersWithTheStatusThatGoesWithTheReason) {
  EXPECT_EQ(status_of(RefusalReason::request_line), 400u);
  EXPECT_EQ(status_of(RefusalReason::version), 505u);
  EXPECT_EQ(status_of(RefusalReason::misdirected), 421u);
  EXPECT_EQ(status_of(RefusalReason::transfer_coding), 501u);
  EXPECT_EQ(status_of(RefusalReason::expectation), 417u);
  EXPECT_EQ(status_of(RefusalReason::request_line_size), 414u);
  EXPECT_EQ(status_of(RefusalReason::header_size), 431u);
  EXPECT_EQ(status_of(RefusalReason::body_size), 413u);
  EXPECT_EQ(status_of(RefusalReason::body_timeout), 408u);
  EXPECT_EQ(status_of(RefusalReason::queue_timeout), 503u);
  EXPECT_EQ(status_of(RefusalReason::storage), 507u);
}

}  // namespace
}  // namespace spawning
