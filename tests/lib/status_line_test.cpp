// SPDX-License-Identifier: MIT
#include "http/status_line.hpp"

#include <gtest/gtest.h>

#include <string>

namespace spawning {
namespace {

TEST(StatusLineTest, IsWholeForUsualStatuses) {
  EXPECT_EQ(status_line(200), "HTTP/1.1 200 OK\r\n");
  EXPECT_EQ(status_line(100), "HTTP/1.1 100 Continue\r\n");
  EXPECT_EQ(status_line(511), "HTTP/1.1 511 Network Authentication Required\r\n");
}

TEST(StatusLineTest, IsEmptyForUnusualStatuses) {
  EXPECT_EQ(status_line(299), "");
  EXPECT_EQ(status_line(0), "");
  EXPECT_EQ(status_line(4'000'000'000), "");
}

TEST(StatusLineTest, GivesThePhraseAlone) {
  EXPECT_EQ(usual_phrase(404), "Not Found");
  EXPECT_EQ(usual_phrase(413), "Content Too Large");
  EXPECT_EQ(usual_phrase(299), "Unknown");
}

TEST(StatusLineTest, GivesABodyForAnAnswerWithoutAnAuthor) {
  EXPECT_EQ(status_body(400), "400 Bad Request\n");
  EXPECT_EQ(status_body(500), "500 Internal Server Error\n");
}

TEST(StatusLineTest, IsWellFormedForEveryStatus) {
  for (unsigned status = 0; status < 700; ++status) {
    const auto line = status_line(status);
    if (line.empty()) continue;
    EXPECT_TRUE(line.starts_with("HTTP/1.1 " + std::to_string(status) + " ")) << line;
    EXPECT_TRUE(line.ends_with("\r\n")) << line;
    EXPECT_FALSE(usual_phrase(status).empty());
  }
}

}  // namespace
}  // namespace spawning
