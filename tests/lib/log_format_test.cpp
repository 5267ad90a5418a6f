// SPDX-License-Identifier: MIT
#include "spawning/log_format.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <cstdlib>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "spawning/error.hpp"

namespace spawning {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;

const Address kClient{Address::Family::ipv4, 4711, "192.0.2.1"};
const ConnectionInfo kConnection{{Address::Family::ipv4, 5000, "10.0.0.7"},
                                 {Address::Family::ipv4, 8080, "10.0.0.1"}};
constexpr std::array kHeaders{Header{"Host", "shop.example:8443"},
                              Header{"Referer", "http://a/\"b"}, Header{"User-Agent", "curl/8"},
                              Header{"Via", "1.1 a"}, Header{"via", "1.1 b"}};

// 22 November 2026, 02:03:04.5 UTC: when the request of a_record() was complete.
const std::chrono::system_clock::time_point kBegan{1'795'312'984'500ms};

ExchangeRecord a_record() {
  ExchangeRecord record;
  record.method = "GET";
  record.target = "/a/%20b?c=1";
  record.path = "/a/%20b";
  record.query = "c=1";
  record.host = "shop.example:8443";
  record.headers = kHeaders;
  record.status = 200;
  record.body_octets = 1234;
  record.head_octets = 166;
  record.request_octets = 100;
  record.response_head =
      "HTTP/1.1 200 OK\r\nServer: Spawning\r\nSet-Cookie: a\r\nset-cookie: b\r\n\r\n";
  record.request_id = "abc";
  record.keep_alive = true;
  record.duration = 1234us;
  record.queued = 34us;
  record.connection = &kConnection;
  record.client = &kClient;
  return record;
}

std::string line_of(LogFormat& format, const ExchangeRecord& record) {
  std::string line;
  format.append({.record = record, .ended = kBegan + 1234us}, line);
  EXPECT_TRUE(line.ends_with('\n'));
  EXPECT_EQ(line.find('\n'), line.size() - 1) << "more than one line";
  return line.substr(0, line.size() - 1);
}

std::string line_of(std::string_view format, const ExchangeRecord& record) {
  LogFormat parsed = LogFormat::parse(format);
  return line_of(parsed, record);
}

std::string why_not(std::string_view format) {
  try {
    static_cast<void>(LogFormat::parse(format));
  } catch (const StartupError& error) {
    return error.what();
  }
  return "";
}

struct LogFormatTest : ::testing::Test {
  LogFormatTest() {
    ::setenv("TZ", "XXX-1", 1);  // an hour east of Greenwich
    ::tzset();
  }
};

TEST_F(LogFormatTest, HasSpawningsLine) {
  EXPECT_EQ(line_of("spawning", a_record()),
            "192.0.2.1 - - [22/Nov/2026 03:03:04] \"GET /a/%20b?c=1 HTTP/1.1\" 200 1234 0.001234");
}

TEST_F(LogFormatTest, HasApachesNamedFormats) {
  const std::string common =
      "192.0.2.1 - - [22/Nov/2026:03:03:04 +0100] \"GET /a/%20b?c=1 HTTP/1.1\" 200 1234";

  EXPECT_EQ(line_of("common", a_record()), common);
  EXPECT_EQ(line_of("combined", a_record()), common + " \"http://a/\\\"b\" \"curl/8\"");
}

TEST_F(LogFormatTest, HasDirectives) {
  const std::vector<std::pair<std::string, std::string>> table{
      {"%%", "%"},
      {"a%mb", "aGETb"},
      {"%a", "192.0.2.1"},
      {"%{c}a", "10.0.0.7"},
      {"%h", "192.0.2.1"},
      {"%{c}h", "10.0.0.7"},
      {"%A", "10.0.0.1"},
      {"%b %B", "1234 1234"},
      {"%D", "1234"},
      {"%H", "HTTP/1.1"},
      {"%{referer}i", "http://a/\\\"b"},
      {"%{Via}i", "1.1 a, 1.1 b"},
      {"%{Nothing}i", "-"},
      {"%I %O %S", "100 1400 1500"},
      {"%l %u", "- -"},
      {"%L", "abc"},
      {"%m %U %q", "GET /a/%20b ?c=1"},
      {"%{server}o", "Spawning"},
      {"%{Set-Cookie}o", "a, b"},
      {"%{Nothing}o", "-"},
      {"%p %{canonical}p %{local}p %{remote}p", "8080 8080 8080 5000"},
      {"%P %{pid}P", std::to_string(::getpid()) + " " + std::to_string(::getpid())},
      {"%Q %{us}Q %{ms}Q %{s}Q", "0.000034 34 0 0"},
      {"%r", "GET /a/%20b?c=1 HTTP/1.1"},
      {"%s %>s %<s", "200 200 200"},
      {"%t", "[22/Nov/2026:03:03:04 +0100]"},
      {"%{%F}t %{begin:%H:%M}t %{end:%H}t", "2026-11-22 03:03 03"},
      {"%{sec}t %{msec}t %{usec}t", "1795312984 1795312984500 1795312984500000"},
      {"%{msec_frac}t %{usec_frac}t %{end:usec_frac}t", "500 500000 501234"},
      {"%T %{s}T %{ms}T %{us}T %{decimal}T", "0 0 1 1234 0.001234"},
      {"%v %V", "shop.example shop.example"},
      {"%X %{outcome}x %{refusal}x", "+ complete -"},
  };
  for (const auto& [format, expected] : table)
    EXPECT_EQ(line_of(format, a_record()), expected) << format;
}

TEST_F(LogFormatTest, SaysOfARequestThatWasNotReadWhatThereIs) {
  ExchangeRecord record;
  record.status = 400;
  record.outcome = Outcome::refused;
  record.refusal = RefusalReason::request_line;

  EXPECT_EQ(line_of("%h %r %U %v %>s %b %{a}i %{a}o %L %X %{outcome}x %{refusal}x %p", record),
            "- - - - 400 - - - - - refused request_line 0");
  EXPECT_EQ(line_of("%r",
                    [] {
                      ExchangeRecord halfway;
                      halfway.method = "GET";
                      return halfway;
                    }()),
            "GET");
}

TEST_F(LogFormatTest, CallsAClientThatLeftBeforeTheAnswer499) {
  auto record = a_record();
  record.status = 0;
  record.outcome = Outcome::client_gone;
  EXPECT_EQ(line_of("%s %X", record), "499 X");
  record.outcome = Outcome::aborted;
  EXPECT_EQ(line_of("%s %X", record), "- X");
}

TEST_F(LogFormatTest, FollowsTheTimeFromSecondToSecond) {
  LogFormat format = LogFormat::parse("%{%S}t");
  const auto record = a_record();
  std::string lines;

  for (const auto later : {0s, 0s, 1s, 0s, 61s})
    format.append({.record = record, .ended = kBegan + 1234us + later}, lines);

  EXPECT_EQ(lines, "04\n04\n05\n04\n05\n");
}

TEST_F(LogFormatTest, NamesTheDirectiveThatThereIsNot) {
  EXPECT_EQ(why_not("%h %Z"), "there is no directive %Z");
  EXPECT_EQ(why_not("%{x}T"), "there is no directive %{x}T");
  EXPECT_EQ(why_not("%i"), "there is no directive %i; a name is missing, as in %{Name}i");
  EXPECT_EQ(why_not("%{Referer"), "the brace of %{Referer is not closed");
  EXPECT_EQ(why_not("100 %"), "a % at the end of the format; for the sign itself: %%");
  EXPECT_EQ(why_not("combine"),
            "there is no format \"combine\"; expected spawning, common, combined, json, or a text "
            "with directives");
  EXPECT_NE(why_not(""), "");
  EXPECT_NE(why_not("%h\n%h"), "");
  EXPECT_NE(why_not(std::string(2000, '%')), "");
}

TEST_F(LogFormatTest, KnowsWhetherItNeedsTheResponsesHead) {
  EXPECT_TRUE(LogFormat::parse("%h %{Server}o %s").reads_response_heads());
  EXPECT_FALSE(LogFormat::parse("combined").reads_response_heads());
  EXPECT_FALSE(LogFormat::parse("json").reads_response_heads());
}

// What append_text() makes of an octet, by Apache's ap_escape_logitem().
std::string escaped(unsigned char octet) {
  static const std::string letters = "\bb\nn\rr\tt\vv";
  if (octet == '"' || octet == '\\') return {'\\', static_cast<char>(octet)};
  if (octet >= 0x20 && octet < 0x7f) return {static_cast<char>(octet)};
  const auto at = letters.find(static_cast<char>(octet));
  if (octet < 0x20 && at != letters.npos) return {'\\', letters[at + 1]};
  char text[8];
  std::snprintf(text, sizeof text, "\\x%02x", octet);
  return text;
}

TEST_F(LogFormatTest, EscapesEveryOctetWhereverItComesFrom) {
  for (unsigned octet = 0; octet < 256; ++octet) {
    const std::string text = "a" + std::string(1, static_cast<char>(octet)) + "b";
    const std::array headers{Header{"A", text}};
    const Address client{Address::Family::unix_path, 0, text};
    auto record = a_record();
    record.method = record.target = record.path = record.query = record.host = record.request_id =
        text;
    record.headers = headers;
    record.client = &client;
    const std::string expected = "a" + escaped(static_cast<unsigned char>(octet)) + "b";

    EXPECT_EQ(line_of("%h|%m|%U|%q|%L|%{a}i", record), expected + "|" + expected + "|" + expected +
                                                           "|?" + expected + "|" + expected + "|" +
                                                           expected);
    EXPECT_EQ(line_of("%r", record), expected + " " + expected + " HTTP/1.1");
  }
}

TEST_F(LogFormatTest, MakesJson) {
  const json::object line = json::parse(line_of("json", a_record())).as_object();

  const json::object expected{{"timestamp", "2026-11-22T02:03:04.500000Z"},
                              {"client.address", "192.0.2.1"},
                              {"client.port", 4711},
                              {"network.peer.address", "10.0.0.7"},
                              {"server.address", "shop.example"},
                              {"http.request.method", "GET"},
                              {"url.path", "/a/%20b"},
                              {"url.query", "c=1"},
                              {"network.protocol.version", "1.1"},
                              {"http.request.size", 100},
                              {"user_agent.original", "curl/8"},
                              {"http.request.header.referer", "http://a/\"b"},
                              {"http.response.status_code", 200},
                              {"http.response.size", 1400},
                              {"http.response.body.size", 1234},
                              {"http.server.request.duration", 0.001234},
                              {"spawning.queue_time", 0.000034},
                              {"spawning.request_id", "abc"},
                              {"process.pid", ::getpid()}};
  EXPECT_EQ(line, expected);
}

TEST_F(LogFormatTest, MakesJsonOfARequestThatWasNotRead) {
  ExchangeRecord record;
  record.target = "/half";
  record.outcome = Outcome::timed_out;
  const json::object line = json::parse(line_of("json", record)).as_object();

  EXPECT_EQ(line.at("error.type"), "timed_out");
  EXPECT_EQ(line.at("url.original"), "/half");
  EXPECT_FALSE(line.contains("http.response.status_code"));
}

TEST_F(LogFormatTest, KeepsUtf8InJsonAndReadsOtherOctetsAsLatin1) {
  const auto agent = [](std::string_view text) {
    const std::array headers{Header{"User-Agent", text}};
    auto record = a_record();
    record.headers = headers;
    const json::value parsed = json::parse(line_of("json", record));  // refuses what is no UTF-8
    return std::string{parsed.as_object().at("user_agent.original").as_string()};
  };

  EXPECT_EQ(agent("caf\xc3\xa9 \xf0\x9f\x90\x9f"), "caf\xc3\xa9 \xf0\x9f\x90\x9f");
  EXPECT_EQ(agent("caf\xe9"), "caf\xc3\xa9");
  EXPECT_EQ(agent("\xc0\xaf"), "\xc3\x80\xc2\xaf");                          // overlong
  EXPECT_EQ(agent("\xed\xa0\x80"), "\xc3\xad\xc2\xa0\xc2\x80");              // a surrogate
  EXPECT_EQ(agent("\xf4\x90\x80\x80"), "\xc3\xb4\xc2\x90\xc2\x80\xc2\x80");  // beyond Unicode
  EXPECT_EQ(agent("\xe2\x82"), "\xc3\xa2\xc2\x82");                          // cut off
}

TEST_F(LogFormatTest, MakesValidJsonOfWhateverOctetsThereAre) {
  std::mt19937 random{42};
  std::string line;
  LogFormat format = LogFormat::parse("json");
  for (int i = 0; i < 3000; ++i) {
    std::string text(random() % 24, '\0');
    // Half of them above ASCII, where UTF-8 is made and spoilt.
    for (char& each : text)
      each = static_cast<char>(random() % 2 ? random() : 0x80 | random() % 128);
    const std::array headers{Header{"User-Agent", text}, Header{"Referer", text}};
    const Address client{Address::Family::unix_path, 0, text};
    auto record = a_record();
    record.method = record.target = record.path = record.query = record.host = record.request_id =
        text;
    record.headers = headers;
    record.client = &client;
    line.clear();
    format.append({.record = record,
                   .ended = kBegan,
                   .longest_value = random() % 2 ? random() % 30 : std::string::npos},
                  line);

    boost::system::error_code error;
    static_cast<void>(json::parse({line.data(), line.size()}, error));  // UTF-8 is checked
    ASSERT_FALSE(error) << error.message() << ": " << line;
    ASSERT_EQ(line.find('\n'), line.size() - 1);
  }
}

TEST_F(LogFormatTest, CutsWhatIsTooLongBetweenCharacters) {
  auto record = a_record();
  record.path = "/abcdef\x01gh\xe2\x82\xac";
  const auto cut_to = [&record](std::string_view format, std::size_t longest) {
    std::string line;
    LogFormat::parse(format).append({.record = record, .ended = kBegan, .longest_value = longest},
                                    line);
    return line;
  };

  EXPECT_EQ(cut_to("%U", 100), "/abcdef\\x01gh\\xe2\\x82\\xac\n");
  EXPECT_EQ(cut_to("%U", 4), "/abc...\n");
  EXPECT_EQ(cut_to("%U", 9), "/abcdef...\n");  // no half escape
  EXPECT_EQ(cut_to("%U", 0), "...\n");
  EXPECT_NE(cut_to("json", 17).find(R"("url.path":"/abcdef\u0001gh...")"), std::string::npos);
}

}  // namespace
}  // namespace spawning
