// SPDX-License-Identifier: MIT
#include "http/request_id.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace spawning {
namespace {

std::string text_of(const auto& octets) { return {octets.begin(), octets.end()}; }

TEST(RequestIdsTest, MakesHexadecimalDigitsThatNeverComeAgain) {
  RequestIds ids, others;
  std::set<std::string> seen;

  for (int i = 0; i < 1000; ++i) {
    const std::string id = text_of(ids.next());
    EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), id.npos) << id;
    EXPECT_TRUE(seen.insert(id).second);
    EXPECT_TRUE(seen.insert(text_of(others.next())).second);
  }
}

TEST(RequestIdTest, IsAShortTokenWithoutAnythingThatMeansSomethingElsewhere) {
  for (const auto* fit : {"a", "0af7651916cd43dd8448eb211c80319c", "Root=1-67891233-abcdef",
                          "f058ebd6-02f7-4d3f-942e-904344e8cde5", "a/b+c=:@~_."})
    EXPECT_TRUE(is_request_id(fit)) << fit;
  EXPECT_TRUE(is_request_id(std::string(128, 'a')));
  EXPECT_FALSE(is_request_id(std::string(129, 'a')));
  for (const auto* unfit : {"", "a b", "a\"", "a,b", "a;b", "<a>", "a'", "a\x80", "a\tb", "a%0a"})
    EXPECT_FALSE(is_request_id(unfit)) << unfit;
}

struct TaggedRequestTest : ::testing::Test {
  RequestIds ids;
  TaggedRequest tag;

  // The id that a Handler sees; checks that there is one only, and that all else is as it was.
  std::string taken(std::vector<Header> fields, bool trusted) {
    const Headers seen = tag.take(fields, trusted, ids);
    EXPECT_EQ(seen.back().name, "X-Request-ID");
    EXPECT_EQ(seen.back().value, tag.id());
    EXPECT_EQ(
        std::ranges::count_if(seen, [](const Header& each) { return each.name.size() == 12; }), 1);
    EXPECT_EQ(seen.front().name, "Host");
    return std::string{tag.id()};
  }
};

TEST_F(TaggedRequestTest, TakesOverTheIdOfAPeerThatIsTrusted) {
  EXPECT_EQ(taken({{"Host", "a"}, {"x-request-id", "abc-1"}, {"A", "b"}}, true), "abc-1");
}

TEST_F(TaggedRequestTest, MakesOneForEverybodyElse) {
  const auto untrusted = taken({{"Host", "a"}, {"X-Request-Id", "abc-1"}}, false);
  const auto without = taken({{"Host", "a"}}, true);
  const auto unfit = taken({{"Host", "a"}, {"X-Request-ID", "a\" b"}}, true);
  const auto twice = taken({{"Host", "a"}, {"X-Request-ID", "a"}, {"X-Request-ID", "b"}}, true);
  const auto disguised = taken({{"Host", "a"}, {"X_Request_ID", "a"}, {"X-Request-ID", "b"}}, true);

  const std::set<std::string> all{untrusted, without, unfit, twice, disguised};
  EXPECT_EQ(all.size(), 5U);
  for (const auto& each : all) EXPECT_EQ(each.size(), 32U);
}

}  // namespace
}  // namespace spawning
