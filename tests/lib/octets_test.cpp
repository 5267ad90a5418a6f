// SPDX-License-Identifier: MIT
#include "http/octets.hpp"

#include <gtest/gtest.h>

#include <string>

#include "support/guarded_octets.hpp"

namespace spawning {
namespace {

// RFC 9110 §5.6.2, spelled out.
bool is_tchar(char c) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         kOthers.find(c) != std::string_view::npos;
}

using Skip = const char* (*)(const char*, const char*);
using Member = bool (*)(char);

// Puts every octet at every place of short and long runs, against a guard page, so that blocks and
// the octets after the last block are tried alike.
void expect_stops_where_octets_say(Skip skip, Member is_member) {
  test::GuardedOctets memory{64};
  for (const std::size_t size : {1u, 15u, 16u, 17u, 33u}) {
    for (std::size_t place = 0; place < size; ++place) {
      for (int octet = 0; octet < 256; ++octet) {
        std::string text(size, 'a');
        text[place] = static_cast<char>(octet);
        const auto view = memory.place(text);

        const char* const stop = skip(view.data(), view.data() + size);

        const auto expected = is_member(text[place]) ? size : place;
        ASSERT_EQ(static_cast<std::size_t>(stop - view.data()), expected)
            << octet << " at " << place << " of " << size;
      }
    }
  }
}

TEST(OctetsTest, SkipsTokensAsTheRfcDefinesThem) {
  expect_stops_where_octets_say(
      [](const char* at, const char* end) { return octets::skip_token(at, end); }, is_tchar);
}

TEST(OctetsTest, SkipsTextInBlocksAsOctetByOctet) {
  expect_stops_where_octets_say(octets::skip_text, octets::is_text);
}

TEST(OctetsTest, SkipsTargetsInBlocksAsOctetByOctet) {
  expect_stops_where_octets_say(octets::skip_target, octets::is_in_target);
}

TEST(OctetsTest, KnowsTokens) {
  EXPECT_TRUE(octets::is_token("X-Name_1"));
  EXPECT_FALSE(octets::is_token(""));
  EXPECT_FALSE(octets::is_token("a b"));
  EXPECT_FALSE(octets::is_token("a:"));
  EXPECT_FALSE(octets::is_token("caf\xc3\xa9"));
}

TEST(OctetsTest, TrimsBlanksAndNothingElse) {
  EXPECT_EQ(octets::trim(" \t a b \t"), "a b");
  EXPECT_EQ(octets::trim(" \t "), "");
  EXPECT_EQ(octets::trim("\va\v"), "\va\v");
}

TEST(OctetsTest, ReadsHexadecimalDigits) {
  EXPECT_EQ(octets::hex_value('0'), 0);
  EXPECT_EQ(octets::hex_value('9'), 9);
  EXPECT_EQ(octets::hex_value('a'), 10);
  EXPECT_EQ(octets::hex_value('F'), 15);
  for (const char c : std::string_view{"g/:@G` \x16\xe1"}) EXPECT_EQ(octets::hex_value(c), -1) << c;
}

}  // namespace
}  // namespace spawning
