// SPDX-License-Identifier: MIT
#include "base/utf8.hpp"

#include <gtest/gtest.h>

namespace spawning {
namespace {

TEST(Utf8Test, LeavesTextAsItIs) {
  for (const char* text : {"", "plain", "gr\xc3\xbc\xc3\x9f", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                           "\xed\x9f\xbf", "\xee\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_EQ(valid_utf8(text), text);
  }
  EXPECT_EQ(valid_utf8(std::string_view{"a\0b", 3}), (std::string{"a\0b", 3}));
}

TEST(Utf8Test, ReplacesWhatIsNone) {
  EXPECT_EQ(valid_utf8("\xff"), "\xef\xbf\xbd");
  EXPECT_EQ(valid_utf8("a\x80z"), "a\xef\xbf\xbdz");
  EXPECT_EQ(valid_utf8("\xc3"), "\xef\xbf\xbd");    // cut off
  EXPECT_EQ(valid_utf8("\xc3("), "\xef\xbf\xbd(");  // interrupted
  EXPECT_EQ(valid_utf8("\xe2\x82"), "\xef\xbf\xbd\xef\xbf\xbd");
}

TEST(Utf8Test, ReplacesOverlongFormsSurrogatesAndWhatIsBeyondUnicode) {
  for (const char* octets : {"\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf",
                             "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80"}) {
    std::string expected;
    for (const char* each = octets; *each != '\0'; ++each) expected += "\xef\xbf\xbd";
    EXPECT_EQ(valid_utf8(octets), expected);
  }
}

}  // namespace
}  // namespace spawning
