// SPDX-License-Identifier: MIT
#include "http/response_encoder.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <stdexcept>
#include <tuple>

namespace spawning {
namespace {

constexpr std::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr std::string_view kDateLine = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
constexpr auto kUnknown = std::nullopt;

struct ResponseEncoderTest : ::testing::Test {
  using Fields = std::initializer_list<Header>;

  // Encodes a head and gives it without the status line and Date, which are always first.
  std::string fields_of(unsigned status, Fields fields,
                        std::optional<std::uint64_t> length = kUnknown) {
    std::string out;
    encoder.start(context,
                  {.status = status, .reason = {}, .headers = {fields.begin(), fields.size()}},
                  length, kDate, out);
    const auto date = out.find(kDateLine);
    return date == out.npos ? out.substr(out.find("\r\n") + 2)
                            : out.substr(date + kDateLine.size());
  }

  std::string framed(std::string_view block) {
    const auto piece = encoder.frame(block);
    return std::string{piece.prefix} + std::string{piece.block} + std::string{piece.suffix};
  }

  ResponseContext context;
  ResponseEncoder encoder;
};

TEST_F(ResponseEncoderTest, AppendsAWholeHead) {
  const Header headers[] = {
      {"Content-Type", "text/plain"}, {"X-Empty", ""}, {"content-length", "5"}};
  context.server = "Spawning";
  std::string out = "before|";

  encoder.start(context, {.status = 404, .reason = {}, .headers = headers}, kUnknown, kDate, out);

  EXPECT_EQ(out,
            "before|HTTP/1.1 404 Not Found\r\n"
            "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "Server: Spawning\r\n"
            "Content-Type: text/plain\r\n"
            "X-Empty: \r\n"
            "content-length: 5\r\n\r\n");
}

TEST_F(ResponseEncoderTest, TakesReasonsOfTheAuthors) {
  for (const auto& [status, reason, line] :
       std::initializer_list<std::tuple<unsigned, const char*, const char*>>{
           {200, "OK", "HTTP/1.1 200 OK\r\n"},
           {200, "Fine", "HTTP/1.1 200 Fine\r\n"},
           {200, "Ça va", "HTTP/1.1 200 Ça va\r\n"},
           {299, "Fine", "HTTP/1.1 299 Fine\r\n"},
           {299, "", "HTTP/1.1 299 Unknown\r\n"}}) {
    std::string out;
    encoder.start(context, {.status = status, .reason = reason, .headers = {}}, 0, kDate, out);
    EXPECT_TRUE(out.starts_with(line)) << out;
  }
}

TEST_F(ResponseEncoderTest, LeavesDateAndServerToTheAuthorWhoStatesThem) {
  context.server = "Spawning";

  EXPECT_EQ(fields_of(200, {{"date", "today"}, {"SERVER", "mine"}}, 0),
            "date: today\r\nSERVER: mine\r\nContent-Length: 0\r\n\r\n");
}

TEST_F(ResponseEncoderTest, FramesByTheLengthThatTheHeadStates) {
  EXPECT_EQ(fields_of(200, {{"Content-Length", "5"}}, 7), "Content-Length: 5\r\n\r\n");

  EXPECT_EQ(framed("hel"), "hel");
  EXPECT_FALSE(encoder.complete());
  EXPECT_EQ(framed("lo"), "lo");
  EXPECT_TRUE(encoder.complete());
  EXPECT_EQ(encoder.finish(), "");
  EXPECT_FALSE(encoder.overrun());
  EXPECT_TRUE(encoder.keep_alive());
  EXPECT_EQ(encoder.body_octets(), 5u);
}

TEST_F(ResponseEncoderTest, FramesByTheLengthThatTheCallerKnows) {
  EXPECT_EQ(fields_of(200, {}, 5), "Content-Length: 5\r\n\r\n");

  EXPECT_EQ(framed("hello"), "hello");
  EXPECT_TRUE(encoder.complete());
}

TEST_F(ResponseEncoderTest, DropsWhatIsMoreThanDeclared) {
  (void)fields_of(200, {{"Content-Length", "3"}});

  EXPECT_EQ(framed("ab"), "ab");
  EXPECT_EQ(framed("cdef"), "c");
  EXPECT_TRUE(encoder.overrun());
  EXPECT_EQ(framed("g"), "");
  EXPECT_TRUE(encoder.complete());
  EXPECT_EQ(encoder.body_octets(), 3u);
}

TEST_F(ResponseEncoderTest, NoticesThatABodyIsTooShort) {
  (void)fields_of(200, {{"Content-Length", "3"}});

  EXPECT_EQ(framed("ab"), "ab");
  EXPECT_EQ(encoder.finish(), "");

  EXPECT_FALSE(encoder.complete());
}

TEST_F(ResponseEncoderTest, SendsBodiesOfUnknownLengthInChunks) {
  EXPECT_EQ(fields_of(200, {}), "Transfer-Encoding: chunked\r\n\r\n");

  EXPECT_EQ(framed("hello"), "5\r\nhello\r\n");
  EXPECT_EQ(framed(""), "");
  EXPECT_EQ(framed(std::string(0x1234, 'x')), "1234\r\n" + std::string(0x1234, 'x') + "\r\n");
  EXPECT_FALSE(encoder.complete());
  EXPECT_EQ(encoder.finish(), "0\r\n\r\n");
  EXPECT_TRUE(encoder.complete());
  EXPECT_TRUE(encoder.keep_alive());
  EXPECT_EQ(encoder.body_octets(), 5u + 0x1234);
}

TEST_F(ResponseEncoderTest, EndsBodiesOfUnknownLengthWithTheConnectionForHttp10) {
  context.version = HttpVersion::http_1_0;

  EXPECT_EQ(fields_of(200, {}), "Connection: close\r\n\r\n");

  EXPECT_EQ(framed("hello"), "hello");
  EXPECT_EQ(encoder.finish(), "");
  EXPECT_TRUE(encoder.complete());
  EXPECT_FALSE(encoder.keep_alive());
}

TEST_F(ResponseEncoderTest, SaysWhatBecomesOfTheConnectionWhereItHasTo) {
  EXPECT_EQ(fields_of(200, {}, 0), "Content-Length: 0\r\n\r\n");

  context.keep_alive = false;
  EXPECT_EQ(fields_of(200, {}, 0), "Content-Length: 0\r\nConnection: close\r\n\r\n");
  EXPECT_FALSE(encoder.keep_alive());

  context = {.version = HttpVersion::http_1_0, .keep_alive = true};
  EXPECT_EQ(fields_of(200, {}, 0), "Content-Length: 0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_TRUE(encoder.keep_alive());
}

TEST_F(ResponseEncoderTest, HonoursCloseFromTheAuthorAndSaysItOnce) {
  EXPECT_EQ(fields_of(200, {{"connection", "Close"}, {"A", "b"}, {"Connection", "close"}}, 0),
            "A: b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");

  EXPECT_FALSE(encoder.keep_alive());
}

TEST_F(ResponseEncoderTest, AnswersHeadWithoutABody) {
  context.head_request = true;

  EXPECT_EQ(fields_of(200, {{"Content-Length", "5"}}), "Content-Length: 5\r\n\r\n");
  EXPECT_EQ(framed("hello, world"), "");
  EXPECT_EQ(encoder.finish(), "");
  EXPECT_TRUE(encoder.complete());
  EXPECT_FALSE(encoder.overrun());
  EXPECT_EQ(encoder.body_octets(), 0u);

  EXPECT_EQ(fields_of(200, {}, 7), "Content-Length: 7\r\n\r\n");
  EXPECT_TRUE(encoder.keep_alive());
}

TEST_F(ResponseEncoderTest, DoesNotInventTheLengthOfABodyLeftOutForHead) {
  context.head_request = true;

  EXPECT_EQ(fields_of(200, {}, 0), "\r\n");
  EXPECT_EQ(fields_of(200, {}, kUnknown), "\r\n");
  EXPECT_EQ(encoder.finish(), "");
  EXPECT_TRUE(encoder.keep_alive());
  EXPECT_EQ(fields_of(200, {{"Content-Length", "0"}}, 0), "Content-Length: 0\r\n\r\n");
}

TEST_F(ResponseEncoderTest, SendsNoBodyWith204And304) {
  EXPECT_EQ(fields_of(204, {{"Content-Length", "0"}, {"A", "b"}}, 0), "A: b\r\n\r\n");
  EXPECT_EQ(framed("hello"), "");
  EXPECT_EQ(fields_of(204, {}), "\r\n");

  EXPECT_EQ(fields_of(304, {{"Content-Length", "5"}}), "Content-Length: 5\r\n\r\n");
  EXPECT_EQ(framed("hello"), "");
  EXPECT_EQ(encoder.finish(), "");
  EXPECT_TRUE(encoder.complete());
  EXPECT_FALSE(encoder.overrun());
  EXPECT_EQ(fields_of(304, {}, 5), "\r\n");
  EXPECT_TRUE(encoder.keep_alive());
}

TEST_F(ResponseEncoderTest, SaysThat205HasNoBody) {
  EXPECT_EQ(fields_of(205, {{"Content-Length", "5"}, {"A", "b"}}, 5),
            "A: b\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(framed("hello"), "");
  EXPECT_EQ(encoder.finish(), "");
  EXPECT_TRUE(encoder.complete());
  EXPECT_EQ(fields_of(205, {}), "Content-Length: 0\r\n\r\n");
  EXPECT_TRUE(encoder.keep_alive());

  context.head_request = true;
  EXPECT_EQ(fields_of(205, {}), "Content-Length: 0\r\n\r\n");
}

// RFC 9112 §6, RFC 9110 §6.6.1 and §8.6: what no combination may lead to.
TEST_F(ResponseEncoderTest, FramesEveryCombinationByTheRules) {
  const Header length{"Content-Length", "5"};
  for (unsigned status = 200; status < 600; ++status) {
    for (unsigned bits = 0; bits < 32; ++bits) {
      const bool head = bits & 1, old = bits & 2, persistent = bits & 4;
      const bool stated = bits & 8, known = bits & 16;
      context = {.head_request = head,
                 .version = old ? HttpVersion::http_1_0 : HttpVersion::http_1_1,
                 .keep_alive = persistent};
      const bool bodiless = head || status == 204 || status == 205 || status == 304;
      std::string out;
      encoder.start(context,
                    {.status = status, .reason = {}, .headers = {&length, stated ? 1u : 0u}},
                    known ? std::optional<std::uint64_t>{5} : kUnknown, kDate, out);
      const auto count = [&out](std::string_view line) {
        std::size_t times = 0;
        for (auto at = out.find(line); at != out.npos; at = out.find(line, at + 1)) ++times;
        return times;
      };
      SCOPED_TRACE(std::to_string(status) + ", " + std::to_string(bits) + ": " + out);

      EXPECT_EQ(count(kDateLine), 1u);
      EXPECT_LE(count("Content-Length: ") + count("Transfer-Encoding: "), 1u);
      EXPECT_TRUE(status != 204 || count("Content-Length: ") == 0u);
      EXPECT_TRUE(!(bodiless || old) || count("Transfer-Encoding: ") == 0u);
      const bool kept = stated && status != 204 && status != 205;
      EXPECT_TRUE(!kept || count("Content-Length: 5\r\n") == 1u);
      EXPECT_EQ(count("Connection: close\r\n"), encoder.keep_alive() ? 0u : 1u);
      EXPECT_EQ(count("Connection: keep-alive\r\n"), encoder.keep_alive() && old ? 1u : 0u);
      EXPECT_EQ(framed("hello").empty(), bodiless);
      (void)encoder.finish();
      EXPECT_TRUE(encoder.complete());
      const bool delimited = bodiless || stated || known || !old;
      EXPECT_EQ(encoder.keep_alive(), persistent && delimited);
      EXPECT_EQ(encoder.delimits_itself(), delimited);
    }
  }
}

TEST_F(ResponseEncoderTest, SendsNoServerFieldWhereNoneIsWanted) {
  context.server = "";

  EXPECT_EQ(fields_of(200, {}, 0), "Content-Length: 0\r\n\r\n");
}

TEST_F(ResponseEncoderTest, FramesAFileAsOneChunk) {
  (void)fields_of(200, {});

  const auto piece = encoder.frame_file(0x1'0000'0000);
  EXPECT_EQ(piece.prefix, "100000000\r\n");
  EXPECT_EQ(piece.length, 0x1'0000'0000u);
  EXPECT_EQ(piece.suffix, "\r\n");
  const auto nothing = encoder.frame_file(0);
  EXPECT_EQ(nothing.prefix, "");
  EXPECT_EQ(nothing.suffix, "");
  EXPECT_EQ(encoder.frame_file(UINT64_MAX >> 1).prefix, "7fffffffffffffff\r\n");
  EXPECT_EQ(encoder.finish(), "0\r\n\r\n");
}

TEST_F(ResponseEncoderTest, ClipsAFileToTheDeclaredLength) {
  (void)fields_of(200, {{"Content-Length", "7"}});
  (void)framed("ab");

  const auto piece = encoder.frame_file(10);

  EXPECT_EQ(piece.prefix, "");
  EXPECT_EQ(piece.length, 5u);
  EXPECT_EQ(piece.suffix, "");
  EXPECT_TRUE(encoder.overrun());
  EXPECT_TRUE(encoder.complete());
  EXPECT_EQ(encoder.body_octets(), 7u);
}

TEST_F(ResponseEncoderTest, SendsNothingOfAFileWhereThereIsNoBody) {
  (void)fields_of(304, {{"Content-Length", "7"}});
  EXPECT_EQ(encoder.frame_file(7).length, 0u);

  context.head_request = true;
  (void)fields_of(200, {}, 7);
  EXPECT_EQ(encoder.frame_file(7).length, 0u);
  EXPECT_EQ(encoder.finish(), "");
  EXPECT_TRUE(encoder.complete());
}

TEST_F(ResponseEncoderTest, SendsAFileAsItIsWhereTheConnectionEndsTheBody) {
  context.version = HttpVersion::http_1_0;
  (void)fields_of(200, {});

  const auto piece = encoder.frame_file(7);

  EXPECT_EQ(piece.prefix, "");
  EXPECT_EQ(piece.length, 7u);
  EXPECT_EQ(piece.suffix, "");
}

TEST_F(ResponseEncoderTest, RejectsHeadsThatCannotBeSentAndWritesNothing) {
  const Header bad[] = {{"", "x"},
                        {"A B", "x"},
                        {"A:", "x"},
                        {"A\r\nB", "x"},
                        {"caf\xc3\xa9", "x"},
                        {"A", "x\r\nSet-Cookie: y"},
                        {"A", "x\n"},
                        {"A", "x\r"},
                        {"A", std::string_view{"x\0", 2}},
                        {"A", "x\x7f"},
                        {"A", "0123456789abcdef\x01"},
                        {"Content-Length", ""},
                        {"Content-Length", "-1"},
                        {"Content-Length", "1, 1"},
                        {"Content-Length", "18446744073709551616"},
                        {"Transfer-Encoding", "chunked"},
                        {"Connection", "keep-alive"},
                        {"Connection", "close, x"},
                        {"keep-alive", "timeout=5"},
                        {"Upgrade", "h2c"},
                        {"TE", "trailers"},
                        {"Trailer", "A"},
                        {"Proxy-Connection", "close"},
                        {"Proxy-Authenticate", "Basic"},
                        {"Proxy-Authorization", "Basic x"}};
  for (const Header& header : bad) {
    std::string out = "before";
    EXPECT_THROW(encoder.start(context, {.status = 200, .reason = {}, .headers = {&header, 1}}, 0,
                               kDate, out),
                 std::invalid_argument)
        << header.name << ": " << header.value;
    EXPECT_EQ(out, "before");
  }
}

TEST_F(ResponseEncoderTest, RejectsASecondContentLength) {
  EXPECT_THROW(fields_of(200, {{"Content-Length", "5"}, {"content-length", "5"}}),
               std::invalid_argument);
}

TEST_F(ResponseEncoderTest, RejectsStatusesAndReasonsThatCannotBeSent) {
  std::string out;
  for (const unsigned status : {0u, 100u, 199u, 600u, 2000u})
    EXPECT_THROW(
        encoder.start(context, {.status = status, .reason = {}, .headers = {}}, 0, kDate, out),
        std::invalid_argument);
  for (const char* const reason : {"OK\r\nA: b", "OK\n", "\x01"})
    EXPECT_THROW(
        encoder.start(context, {.status = 200, .reason = reason, .headers = {}}, 0, kDate, out),
        std::invalid_argument);
  EXPECT_EQ(out, "");
}

TEST_F(ResponseEncoderTest, TakesOctetsBeyondAsciiInValues) {
  EXPECT_EQ(fields_of(200, {{"A", "caf\xc3\xa9\t\xff"}}, 0),
            "A: caf\xc3\xa9\t\xff\r\nContent-Length: 0\r\n\r\n");
}

TEST(InterimResponseTest, HasTheAuthorsFieldsOnly) {
  const Header links[] = {{"Link", "</a.css>; rel=preload"}, {"link", "</b.js>; rel=preload"}};
  std::string out = "before|";

  encode_interim({.status = 103, .reason = {}, .headers = links}, out);
  encode_interim({.status = 102, .reason = "Wait", .headers = {}}, out);

  EXPECT_EQ(out,
            "before|HTTP/1.1 103 Early Hints\r\n"
            "Link: </a.css>; rel=preload\r\n"
            "link: </b.js>; rel=preload\r\n\r\n"
            "HTTP/1.1 102 Wait\r\n\r\n");
}

TEST(InterimResponseTest, RejectsWhatCannotBeSentAndWritesNothing) {
  std::string out = "before";
  for (const unsigned status : {0u, 100u, 101u, 200u, 1030u})
    EXPECT_THROW(encode_interim({.status = status, .reason = {}, .headers = {}}, out),
                 std::invalid_argument)
        << status;
  for (const Header& header :
       {Header{"Link", "a\r\nb"}, Header{"", "x"}, Header{"A b", "x"},
        Header{"Content-Length", "0"}, Header{"Content-Length", "x"},
        Header{"Transfer-Encoding", "chunked"}, Header{"Connection", "close"},
        Header{"Connection", "Link"}, Header{"Upgrade", "h2c"}})
    EXPECT_THROW(encode_interim({.status = 103, .reason = {}, .headers = {&header, 1}}, out),
                 std::invalid_argument)
        << header.name << ": " << header.value;
  EXPECT_THROW(encode_interim({.status = 103, .reason = "a\nb", .headers = {}}, out),
               std::invalid_argument);
  EXPECT_EQ(out, "before");
}

TEST_F(ResponseEncoderTest, ForgetsTheResponseBefore) {
  (void)fields_of(200, {{"Connection", "close"}, {"Content-Length", "1"}});
  (void)framed("too much");

  EXPECT_EQ(fields_of(200, {}), "Transfer-Encoding: chunked\r\n\r\n");

  EXPECT_TRUE(encoder.keep_alive());
  EXPECT_FALSE(encoder.overrun());
  EXPECT_EQ(encoder.body_octets(), 0u);
}

}  // namespace
}  // namespace spawning
