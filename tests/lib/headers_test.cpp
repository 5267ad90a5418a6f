// SPDX-License-Identifier: MIT
#include "spawning/headers.hpp"

#include <gtest/gtest.h>

namespace spawning {
namespace {

TEST(HeadersTest, ComparesWithoutRegardToTheCaseOfLetters) {
  EXPECT_TRUE(equals_ignoring_case("Content-Length", "cONTENT-lENGTH"));
  EXPECT_TRUE(equals_ignoring_case("", ""));
  EXPECT_FALSE(equals_ignoring_case("Host", "Hos"));
  EXPECT_FALSE(equals_ignoring_case("Host", "Hose"));
}

TEST(HeadersTest, DistinguishesOctetsThatOnlyLookLikeCases) {
  EXPECT_FALSE(equals_ignoring_case("@", "`"));
  EXPECT_FALSE(equals_ignoring_case("[", "{"));
  EXPECT_FALSE(equals_ignoring_case("^", "~"));
  EXPECT_FALSE(equals_ignoring_case("\xc4", "\xe4"));
}

TEST(HeadersTest, FindsTheFirstFieldOfAName) {
  const Header headers[] = {{"A", "1"}, {"Cookie", "x"}, {"COOKIE", "y"}};

  ASSERT_NE(find_header(headers, "cookie"), nullptr);
  EXPECT_EQ(find_header(headers, "cookie")->value, "x");
  EXPECT_EQ(find_header(headers, "Host"), nullptr);
  EXPECT_EQ(find_header({}, "Host"), nullptr);
}

}  // namespace
}  // namespace spawning
