// SPDX-License-Identifier: MIT
#include "http/framing.hpp"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

namespace spawning {
namespace {

using Status = ChunkDecoder::Status;

// What is framed and refused, and how, is the business of the corpus: http_corpus_test.cpp.

std::string text(Body& body) { return std::string{body.unread_in_memory()}; }

struct FramingTest : ::testing::Test {
  std::optional<Refusal> frame(Headers headers, HttpVersion version = HttpVersion::http_1_1) {
    RequestHead head;
    head.version = version;
    head.headers = headers;
    return frame_request(head, limits, framing);
  }

  HttpLimits limits;
  Framing framing;
};

TEST_F(FramingTest, ForgetsTheRequestBefore) {
  framing = {Framing::Kind::length, 17, false, true};

  ASSERT_FALSE(frame({}));

  EXPECT_EQ(framing.kind, Framing::Kind::none);
  EXPECT_EQ(framing.content_length, 0u);
  EXPECT_TRUE(framing.keep_alive);
  EXPECT_FALSE(framing.expect_continue);
}

TEST_F(FramingTest, TakesTheLargestLengthTheLimitAllows) {
  limits.body.count = UINT64_MAX;
  const Header length[] = {{"Content-Length", "18446744073709551615"}};

  ASSERT_FALSE(frame(length));

  EXPECT_EQ(framing.content_length, UINT64_MAX);
}

TEST_F(FramingTest, WaitsForContinueOnlyWhereABodyFollows) {
  const Header empty[] = {{"Expect", "100-continue"}, {"Content-Length", "0"}};
  ASSERT_FALSE(frame(empty));
  EXPECT_FALSE(framing.expect_continue);

  const Header chunked[] = {{"Expect", "100-continue"}, {"Transfer-Encoding", "chunked"}};
  ASSERT_FALSE(frame(chunked));
  EXPECT_TRUE(framing.expect_continue);
}

struct ChunkDecoderTest : ::testing::Test {
  Status decode(std::string_view input) { return decoder.decode(input, body, consumed); }

  HttpLimits limits;
  ChunkDecoder decoder{limits};
  Body body;
  std::size_t consumed = 0;
};

TEST_F(ChunkDecoderTest, LeavesWhatFollowsTheBody) {
  EXPECT_EQ(decode("3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\n"), Status::done);

  EXPECT_EQ(consumed, 13u);
  EXPECT_EQ(text(body), "abc");
}

TEST_F(ChunkDecoderTest, UsesNothingMoreOnceTheBodyIsWhole) {
  ASSERT_EQ(decode("0\r\n\r\n"), Status::done);

  EXPECT_EQ(decode("5\r\nhello\r\n"), Status::done);

  EXPECT_EQ(consumed, 0u);
  EXPECT_EQ(body.size(), 0u);
}

TEST_F(ChunkDecoderTest, GivesTheSameForEverySegmentation) {
  const std::string_view input = "5;a=\"b\"\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\nA: b\r\n\r\n";
  for (std::size_t first = 0; first < input.size(); ++first) {
    for (std::size_t second = first; second < input.size(); ++second) {
      decoder.reset();
      body.clear();

      ASSERT_EQ(decode(input.substr(0, first)), Status::more);
      ASSERT_EQ(consumed, first);
      ASSERT_EQ(decode(input.substr(first, second - first)), Status::more);
      ASSERT_EQ(consumed, second - first);
      ASSERT_EQ(decode(input.substr(second)), Status::done);
      ASSERT_EQ(text(body), "hello world");
    }
  }
}

TEST_F(ChunkDecoderTest, KeepsTheOrderOfShortAndLongChunksAlsoOfABodyInAFile) {
  body = Body{Bytes{1000}};
  std::string input, data;
  for (const std::size_t size : {1U, 2U, 16'383U, 1U, 16'384U, 16'385U, 3U, 50'000U, 16'000U, 7U}) {
    std::ostringstream digits;
    digits << std::hex << size;
    const std::string chunk(size, static_cast<char>('a' + data.size() % 26));
    input += digits.str() + "\r\n" + chunk + "\r\n";
    data += chunk;
  }

  EXPECT_EQ(decode(input + "0\r\n\r\n"), Status::done);

  EXPECT_EQ(body.read_all(Bytes{1 << 20}), data);
}

TEST_F(ChunkDecoderTest, StartsAfreshAfterReset) {
  ASSERT_EQ(decode("5;a=\"b"), Status::more);
  decoder.reset();
  ASSERT_EQ(decode("x"), Status::refused);
  decoder.reset();
  body.clear();

  EXPECT_EQ(decode("1\r\na\r\n0\r\n\r\n"), Status::done);

  EXPECT_EQ(text(body), "a");
}

TEST_F(ChunkDecoderTest, CountsExtensionsAndDataOfAllChunksTogether) {
  const std::string chunk = "1;" + std::string(1000, 'a') + "\r\nx\r\n";
  for (int i = 0; i < 16; ++i) ASSERT_EQ(decode(chunk), Status::more);

  EXPECT_EQ(decode(chunk), Status::refused);

  EXPECT_EQ(decoder.refusal().rule, "chunk extensions over the limit");
}

TEST_F(ChunkDecoderTest, TakesBodiesWithoutLimit) {
  limits.body.count = UINT64_MAX;
  ChunkDecoder boundless{limits};
  ASSERT_EQ(boundless.decode("1\r\na\r\n", body, consumed), Status::more);

  EXPECT_EQ(boundless.decode("fffffffffffffffe\r\n", body, consumed), Status::more);
  boundless.reset();
  ASSERT_EQ(boundless.decode("2\r\nab\r\n", body, consumed), Status::more);
  EXPECT_EQ(boundless.decode("fffffffffffffffe\r\n", body, consumed), Status::refused);

  EXPECT_EQ(boundless.refusal().status, 413u);
}

}  // namespace
}  // namespace spawning
