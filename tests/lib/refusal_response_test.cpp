// SPDX-License-Identifier: MIT
#include "http/refusal_response.hpp"

#include <gtest/gtest.h>

namespace spawning {
namespace {

constexpr std::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT";

TEST(RefusalResponseTest, IsShortAndCloses) {
  std::string out = "before|";

  append_refusal({431, "too many fields"}, {.server = "Spawning"}, kDate, out);

  EXPECT_EQ(out,
            "before|HTTP/1.1 431 Request Header Fields Too Large\r\n"
            "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "Server: Spawning\r\n"
            "Content-Type: text/plain\r\n"
            "Content-Length: 36\r\n"
            "Connection: close\r\n\r\n"
            "431 Request Header Fields Too Large\n");
}

TEST(RefusalResponseTest, HasNoBodyForHead) {
  std::string out;

  append_refusal({417, "unknown expectation"}, {.head_request = true}, kDate, out);

  EXPECT_TRUE(out.ends_with("Content-Length: 23\r\nConnection: close\r\n\r\n")) << out;
}

TEST(RefusalResponseTest, SaysNothingOfTheRule) {
  EXPECT_EQ(status_body(400), "400 Bad Request\n");
  EXPECT_EQ(status_body(500), "500 Internal Server Error\n");
}

}  // namespace
}  // namespace spawning
