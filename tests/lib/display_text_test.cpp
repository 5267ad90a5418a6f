// SPDX-License-Identifier: MIT
#include "top/display_text.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace spawning {
namespace {

constexpr std::size_t kAny = std::numeric_limits<std::size_t>::max();

std::string shown(std::string_view octets, std::size_t most = kAny) {
  return display_text(octets, most).text;
}

TEST(DisplayTextTest, LeavesTextAsItIs) {
  EXPECT_EQ(shown("GET /shop?q=1"), "GET /shop?q=1");
  EXPECT_EQ(shown("Grüße, 世界"), "Grüße, 世界");
  EXPECT_EQ(shown(""), "");
}

TEST(DisplayTextTest, ShowsPicturesOfControlCharacters) {
  EXPECT_EQ(shown("\x1b[2J"), "␛[2J");
  EXPECT_EQ(shown(std::string_view{"a\0b\tc\r\nd\x7f", 9}), "a␀b␉c␍␊d␡");
  EXPECT_EQ(display_text("\x1b[m", kAny).columns, 3U);
}

// NOLINTBEGIN(misc-misleading-bidirectional): they are to be seen through.
TEST(DisplayTextTest, ReplacesWhatIsNoCharacterToBeSeen) {
  for (const std::string_view octets :
       {"\x9b", "\xc2\x9b", "\xff", "\xed\xa0\x80", "\xe2\x80\xae", "\xe2\x81\xa6", "\xe2\x80\x8b",
        "\xef\xbb\xbf", "\xe2\x80\xa8", "\xd8\x9c", "\xf3\xa0\x80\x81", "\xee\x80\x80",
        "\xcc\x81"}) {
    EXPECT_FALSE(shown(octets).empty());
    EXPECT_EQ(shown(octets).find_first_not_of("\xef\xbf\xbd"), std::string::npos) << octets;
  }
}
// NOLINTEND(misc-misleading-bidirectional)

TEST(DisplayTextTest, NeverLetsAnEscapeSequenceThrough) {
  for (unsigned first = 0; first < 256; first += first < 0xc0 ? 5 : 1) {
    for (unsigned second = 0; second < 256; second += 3) {
      const std::string octets{static_cast<char>(first), static_cast<char>(second), '['};
      const std::string text = shown(octets);

      for (std::size_t i = 0; i < text.size(); ++i) {
        const auto octet = static_cast<unsigned char>(text[i]);
        ASSERT_TRUE(octet >= 0x20 && octet != 0x7f) << first << ' ' << second;
        const bool c1 = octet == 0xc2 && static_cast<unsigned char>(text[i + 1]) < 0xa0;
        ASSERT_FALSE(c1) << first << ' ' << second;
      }
    }
  }
}

TEST(DisplayTextTest, CountsColumns) {
  EXPECT_EQ(display_text("世界", kAny).columns, 4U);
  EXPECT_EQ(display_text("é", kAny).columns, 1U);
  EXPECT_EQ(display_text("e\xcc\x81", kAny).columns, 1U);
  EXPECT_EQ(display_text("😀!", kAny).columns, 3U);
  EXPECT_EQ(display_text("！ﾊ", kAny).columns, 3U);
}

TEST(DisplayTextTest, TakesTwoAccentsOnALetterAndNoMore) {
  EXPECT_EQ(shown("e\xcc\x81\xcc\x81\xcc\x81!"), "e\xcc\x81\xcc\x81\xef\xbf\xbd!");
}

TEST(DisplayTextTest, CutsAtColumns) {
  EXPECT_EQ(shown("abcdef", 6), "abcdef");
  EXPECT_EQ(shown("abcdef", 5), "abcd…");
  EXPECT_EQ(shown("abcdef", 1), "…");
  EXPECT_EQ(shown("abcdef", 0), "");
  EXPECT_EQ(shown("世界世界", 5), "世界…");
  EXPECT_EQ(shown("世界世界", 6), "世界…");
  EXPECT_EQ(shown("世界世界", 8), "世界世界");
  EXPECT_EQ(display_text("世界世界", 6).columns, 5U);
}

}  // namespace
}  // namespace spawning
