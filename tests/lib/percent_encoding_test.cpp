// SPDX-License-Identifier: MIT
#include "spawning/percent_encoding.hpp"

#include <gtest/gtest.h>

#include <string>

namespace spawning {
namespace {

TEST(PercentEncodingTest, DecodesEscapesInEitherCase) {
  EXPECT_EQ(percent_decoded("/a%20b%2fc%2Fd"), "/a b/c/d");
  EXPECT_EQ(percent_decoded("gr%C3%BC%c3%9f"), "gr\xc3\xbc\xc3\x9f");
  EXPECT_EQ(percent_decoded("%00"), std::string(1, '\0'));
  EXPECT_EQ(percent_decoded("%2541"), "%41");
  EXPECT_EQ(percent_decoded(""), "");
}

TEST(PercentEncodingTest, LeavesWhatIsNoEscape) {
  EXPECT_EQ(percent_decoded("100%"), "100%");
  EXPECT_EQ(percent_decoded("%4"), "%4");
  EXPECT_EQ(percent_decoded("%zz%4x%41"), "%zz%4xA");
  EXPECT_EQ(percent_decoded("a+b"), "a+b");
}

TEST(PercentEncodingTest, FindsTheFirstParameterOfAName) {
  const std::string query = "q=a+b%26c&lang=de&q=second&empty=&bare&=nameless&x=1=2";

  EXPECT_EQ(query_parameter(query, "q"), "a b&c");
  EXPECT_EQ(query_parameter(query, "lang"), "de");
  EXPECT_EQ(query_parameter(query, "empty"), "");
  EXPECT_EQ(query_parameter(query, "bare"), "");
  EXPECT_EQ(query_parameter(query, ""), "nameless");
  EXPECT_EQ(query_parameter(query, "x"), "1=2");
  EXPECT_EQ(query_parameter(query, "Q"), std::nullopt);
}

TEST(PercentEncodingTest, DecodesNamesToo) {
  EXPECT_EQ(query_parameter("first+name=Ada&a%5B%5D=1", "first name"), "Ada");
  EXPECT_EQ(query_parameter("first+name=Ada&a%5B%5D=1", "a[]"), "1");
}

TEST(PercentEncodingTest, FindsNothingWhereNothingIs) {
  EXPECT_EQ(query_parameter("", "a"), std::nullopt);
  EXPECT_EQ(query_parameter("&&", ""), std::nullopt);
  EXPECT_EQ(query_parameter("ab=1", "a"), std::nullopt);
}

}  // namespace
}  // namespace spawning
