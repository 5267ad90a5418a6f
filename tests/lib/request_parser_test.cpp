// SPDX-License-Identifier: MIT
#include "http/request_parser.hpp"

#include <gtest/gtest.h>

#include <string>

namespace spawning {
namespace {

using Status = RequestParser::Status;

constexpr std::string_view kRequest =
    "GET /a?b HTTP/1.1\r\nHost: example.com\r\nAccept: */*\r\n\r\n";

struct RequestParserTest : ::testing::Test {
  RequestParser parser{HttpLimits{}};
};

// How octets are read, and refused, is the business of the corpus: http_corpus_test.cpp.

TEST_F(RequestParserTest, GivesViewsIntoTheInput) {
  ASSERT_EQ(parser.parse(kRequest), Status::complete);

  const RequestHead& head = parser.head();
  EXPECT_EQ(head.method.data(), kRequest.data());
  EXPECT_EQ(head.path, "/a");
  EXPECT_EQ(head.query, "b");
  EXPECT_EQ(head.host, "example.com");
  EXPECT_EQ(head.version, HttpVersion::http_1_1);
  ASSERT_EQ(head.headers.size(), 2u);
  EXPECT_EQ(head.headers[1].name, "Accept");
  EXPECT_EQ(head.headers[1].value, "*/*");
}

TEST_F(RequestParserTest, ConsumesTheHeadAndLeavesWhatFollows) {
  const auto input = "\r\n" + std::string{kRequest} + "GET /next";

  ASSERT_EQ(parser.parse(input), Status::complete);

  EXPECT_EQ(parser.consumed(), kRequest.size() + 2);
}

TEST_F(RequestParserTest, HasNotStartedBeforeTheFirstOctetOfARequestLine) {
  const std::string_view input = "\r\nGET";

  EXPECT_FALSE(parser.started());
  for (std::size_t size = 0; size <= 2; ++size) {
    EXPECT_EQ(parser.parse(input.substr(0, size)), Status::incomplete);
    EXPECT_FALSE(parser.started()) << size;
  }
  EXPECT_EQ(parser.parse(input.substr(0, 3)), Status::incomplete);
  EXPECT_TRUE(parser.started());
}

TEST_F(RequestParserTest, RefusesWithTheOctetThatMakesItCertain) {
  EXPECT_EQ(parser.parse("\x16"), Status::refused);
  parser.reset();
  EXPECT_EQ(parser.parse("GET / HTTP/2"), Status::incomplete);
  parser.reset();
  EXPECT_EQ(parser.parse("GET / HTTP/2.0"), Status::refused);
  EXPECT_EQ(parser.refusal().status, 505u);
  parser.reset();
  EXPECT_EQ(parser.parse("GET / HTTP/1.1\r\nHost :"), Status::refused);
  EXPECT_EQ(parser.refusal().status, 400u);
}

TEST_F(RequestParserTest, KeepsItsAnswerUntilReset) {
  ASSERT_EQ(parser.parse(kRequest), Status::complete);
  EXPECT_EQ(parser.parse("garbage\0"), Status::complete);

  parser.reset();
  EXPECT_FALSE(parser.started());
  EXPECT_EQ(parser.parse("\n"), Status::refused);
  EXPECT_EQ(parser.parse(kRequest), Status::refused);
}

TEST_F(RequestParserTest, FollowsABufferThatMoves) {
  for (std::size_t size = 1; size < kRequest.size(); ++size) {
    const std::string moved{kRequest.substr(0, size)};
    ASSERT_EQ(parser.parse(moved), Status::incomplete) << size;
  }
  const std::string moved{kRequest};

  ASSERT_EQ(parser.parse(moved), Status::complete);

  EXPECT_EQ(parser.head().method.data(), moved.data());
  EXPECT_EQ(parser.head().headers.size(), 2u);
}

TEST_F(RequestParserTest, ForgetsTheLastRequest) {
  ASSERT_EQ(parser.parse("GET http://old.example/x?y HTTP/1.0\r\nHost: a\r\nB: c\r\n\r\n"),
            Status::complete);
  parser.reset();

  ASSERT_EQ(parser.parse("GET / HTTP/1.0\r\n\r\n"), Status::complete);

  EXPECT_EQ(parser.head().host, "");
  EXPECT_EQ(parser.head().query, "");
  EXPECT_TRUE(parser.head().headers.empty());
}

TEST_F(RequestParserTest, ShowsOfARefusedRequestWhatWasReadOfItsLine) {
  ASSERT_EQ(parser.parse("GET /old HTTP/1.0\r\n\r\n"), Status::complete);
  parser.reset();

  ASSERT_EQ(parser.parse("\x16"), Status::refused);
  EXPECT_EQ(parser.head().method, "");
  EXPECT_EQ(parser.head().target, "");
  EXPECT_EQ(parser.head().version, HttpVersion::http_1_1);

  parser.reset();
  ASSERT_EQ(parser.parse("PUT /new HTTP/1.0\r\nA: \x01"), Status::refused);
  EXPECT_EQ(parser.head().method, "PUT");
  EXPECT_EQ(parser.head().target, "/new");
  EXPECT_EQ(parser.head().version, HttpVersion::http_1_0);
}

TEST_F(RequestParserTest, NamesTheFieldsThatItDrops) {
  ASSERT_EQ(parser.parse("GET / HTTP/1.0\r\nA_B: c\r\nD: e\r\nF_: g\r\n\r\n"), Status::complete);
  ASSERT_EQ(parser.head().dropped.size(), 2u);
  EXPECT_EQ(parser.head().dropped[0], "A_B");
  EXPECT_EQ(parser.head().dropped[1], "F_");
  EXPECT_EQ(parser.head().headers.size(), 1u);

  parser.reset();
  ASSERT_EQ(parser.parse(kRequest), Status::complete);
  EXPECT_TRUE(parser.head().dropped.empty());
}

TEST_F(RequestParserTest, KeepsItsMemory) {
  std::string many = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 40; ++i) many += "A: b\r\n";
  many += "\r\n";
  ASSERT_EQ(parser.parse(many), Status::complete);
  const auto* const memory = parser.head().headers.data();
  parser.reset();

  ASSERT_EQ(parser.parse(many), Status::complete);

  EXPECT_EQ(parser.head().headers.data(), memory);
  EXPECT_EQ(parser.head().headers.size(), 41u);
}

TEST_F(RequestParserTest, TakesLimitsAsLargeAsNumbersGo) {
  HttpLimits limits;
  limits.request_line.count = limits.header_octets.count = UINT64_MAX;
  RequestParser boundless{limits};

  EXPECT_EQ(boundless.parse(kRequest), Status::complete);
}

}  // namespace
}  // namespace spawning
