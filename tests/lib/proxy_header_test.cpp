// SPDX-License-Identifier: MIT
#include "http/proxy_header.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "support/guarded_octets.hpp"

namespace spawning {
namespace {

using namespace std::string_literals;
using Status = ProxyHeaderDecoder::Status;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;

// What comes out: the ends, and how much was taken.
std::string outcome(const ProxyHeaderDecoder& decoder, Status status, std::size_t consumed) {
  switch (status) {
    case Status::more:
      return "more";
    case Status::refused:
      EXPECT_EQ(decoder.refusal().status, 400U);
      EXPECT_EQ(decoder.refusal().reason, RefusalReason::proxy_header);
      return "refused after " + std::to_string(consumed) + ": " +
             std::string{decoder.refusal().rule};
    case Status::done:
      break;
  }
  const auto& ends = decoder.ends();
  return std::to_string(consumed) + ' ' +
         (ends ? ends->peer.to_string() + " to " + ends->local.to_string() : "own ends");
}

// Decodes `octets` in pieces that end where `cut` says: given a position, the next one.
template <typename Cut>
std::string decode_in_pieces(std::string_view octets, Cut cut) {
  test::GuardedOctets guarded{octets.size() + 1};
  ProxyHeaderDecoder decoder;
  Status status = Status::more;
  std::size_t total = 0;
  for (std::size_t at = 0; at < octets.size() && status == Status::more;) {
    const std::size_t end = std::min<std::size_t>(cut(at), octets.size());
    std::size_t consumed = 0;
    status = decoder.decode(guarded.place(octets.substr(at, end - at)), consumed);
    EXPECT_TRUE(consumed == end - at || status != Status::more);
    total += consumed;
    at = end;
  }
  return outcome(decoder, status, total);
}

// Whole, octet by octet and in random cuts, each time up to a page that nobody may read.
std::string decoded(const std::string& octets) {
  const std::string whole = decode_in_pieces(octets, [&](std::size_t) { return octets.size(); });
  EXPECT_EQ(decode_in_pieces(octets, [](std::size_t at) { return at + 1; }), whole);
  std::mt19937 random{4711};
  for (int i = 0; i < 20; ++i) {
    const auto step = [&random](std::size_t at) { return at + 1 + random() % 40; };
    EXPECT_EQ(decode_in_pieces(octets, step), whole);
  }
  return whole;
}

std::string rule(const std::string& octets) {
  const std::string text = decoded(octets);
  return text.substr(std::min(text.find(": ") + 2, text.size()));
}

// A header of version 2.
std::string binary(unsigned command, unsigned family, const std::string& rest) {
  return kSignature + static_cast<char>(command) + static_cast<char>(family) +
         static_cast<char>(rest.size() >> 8) + static_cast<char>(rest.size()) + rest;
}

const std::string kIpv4 = "\xcb\x00\x71\x09\xc0\x00\x02\x01\x12\x67\x01\xbb"s;
const std::string kIpv6 =
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"
    "\x12\x67\x01\xbb"s;

std::string path(const std::string& text) { return text + std::string(108 - text.size(), '\0'); }

TEST(ProxyHeaderTest, NamesBothEndsAsText) {
  EXPECT_EQ(decoded("PROXY TCP4 203.0.113.9 192.0.2.1 4711 443\r\n"),
            "43 203.0.113.9:4711 to 192.0.2.1:443");
  EXPECT_EQ(decoded("PROXY TCP6 2001:db8::1 2001:db8::2 4711 443\r\nGET / HTTP/1.1\r\n"),
            "45 [2001:db8::1]:4711 to [2001:db8::2]:443");
  EXPECT_EQ(decoded("PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n"),
            "44 0.0.0.0:0 to 255.255.255.255:65535");
  EXPECT_EQ(decoded("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n")
                .substr(0, 4),
            "104 ");
}

TEST(ProxyHeaderTest, MayLeaveTheEndsUnknown) {
  EXPECT_EQ(decoded("PROXY UNKNOWN\r\n"), "15 own ends");
  EXPECT_EQ(decoded("PROXY UNKNOWN whatever  it says\r\nGET"), "33 own ends");
  EXPECT_EQ(decoded("PROXY UNKNOWN " + std::string(91, 'f') + "\r\n"), "107 own ends");
}

TEST(ProxyHeaderTest, IsMissedWhereARequestBegins) {
  EXPECT_EQ(decoded("GET / HTTP/1.1\r\n"), "refused after 1: no PROXY header");
  EXPECT_EQ(decoded("POST / HTTP/1.1\r\n"), "refused after 2: no PROXY header");
  EXPECT_EQ(decoded("\x16\x03\x01"), "refused after 1: no PROXY header");
  EXPECT_EQ(decoded("PROXY\r\n"), "refused after 6: no PROXY header");
  EXPECT_EQ(decoded("proxy TCP4"), "refused after 1: no PROXY header");
  EXPECT_EQ(decoded("\r\nGET / HTTP/1.1\r\n"), "refused after 3: no PROXY header");
  EXPECT_EQ(decoded("\r\n\r\n\0\r\nQUIT\r"s), "refused after 12: no PROXY header");
}

TEST(ProxyHeaderTest, IsRefusedWhenItsLineIsMalformed) {
  for (const std::string line : {"TCP4",
                                 "TCP4 ",
                                 "TCP4 203.0.113.9",
                                 "TCP4 203.0.113.9 192.0.2.1 4711",
                                 "TCP4 203.0.113.9 192.0.2.1 4711 ",
                                 "TCP4 203.0.113.9 192.0.2.1 4711 443 ",
                                 "TCP4 203.0.113.9 192.0.2.1 4711 443 1",
                                 "TCP4  203.0.113.9 192.0.2.1 4711 443",
                                 "TCP4 203.0.113.9 192.0.2.1  4711",
                                 "TCP4 203.0.113.9 192.0.2.1 04711 443",
                                 "TCP4 203.0.113.9 192.0.2.1 4711 65536",
                                 "TCP4 203.0.113.9 192.0.2.1 4711 -1",
                                 "TCP4 203.0.113.9 192.0.2.1 4711 00",
                                 "TCP4 203.0.113.9 192.0.2.1 4711 +443",
                                 "TCP4 203.0.113.9 192.0.2.1 x 443",
                                 "TCP4 203.0.113.09 192.0.2.1 4711 443",
                                 "TCP4 203.0.113 192.0.2.1 4711 443",
                                 "TCP4 2001:db8::1 2001:db8::2 4711 443",
                                 "TCP6 203.0.113.9 192.0.2.1 4711 443",
                                 "TCP6 [2001:db8::1] 2001:db8::2 4711 443",
                                 "TCP6 2001:db8::1 192.0.2.1 4711 443",
                                 "TCP4 host 192.0.2.1 4711 443"}) {
    EXPECT_EQ(rule("PROXY " + line + "\r\n"), "malformed PROXY header") << line;
  }
  for (const std::string line : {"", "UDP4 203.0.113.9 192.0.2.1 4711 443", "tcp4 ", "UNKNOWN2",
                                 " TCP4 203.0.113.9 192.0.2.1 4711 443"}) {
    EXPECT_EQ(rule("PROXY " + line + "\r\n"), "unknown protocol in a PROXY header") << line;
  }
}

TEST(ProxyHeaderTest, IsRefusedWhenItsLineDoesNotEndInCrlf) {
  EXPECT_EQ(decoded("PROXY UNKNOWN\n"), "refused after 14: bare LF in a PROXY header");
  EXPECT_EQ(decoded("PROXY UNKNOWN\rx"), "refused after 15: bare CR in a PROXY header");
  EXPECT_EQ(decoded("PROXY UNKNOWN\r\r\n"), "refused after 15: bare CR in a PROXY header");
  EXPECT_EQ(decoded("PROXY UNK\0"s), "refused after 10: control octet in a PROXY header");
}

TEST(ProxyHeaderTest, IsRefusedWhenItsLineIsTooLong) {
  EXPECT_EQ(decoded("PROXY UNKNOWN " + std::string(92, 'f') + "\r\n"),
            "refused after 107: PROXY header too long");
  EXPECT_EQ(decoded("PROXY " + std::string(1000, 'f')), "refused after 107: PROXY header too long");
}

TEST(ProxyHeaderTest, NamesBothEndsInBinary) {
  EXPECT_EQ(decoded(binary(0x21, 0x11, kIpv4)), "28 203.0.113.9:4711 to 192.0.2.1:443");
  EXPECT_EQ(decoded(binary(0x21, 0x21, kIpv6) + "GET"),
            "52 [2001:db8::1]:4711 to [2001:db8::2]:443");
  const std::string mapped = "\0\0\0\0\0\0\0\0\0\0\xff\xff\xcb\x00\x71\x09"s;
  EXPECT_EQ(decoded(binary(0x21, 0x21, mapped + mapped + kIpv4.substr(8))),
            "52 203.0.113.9:4711 to 203.0.113.9:443");
}

TEST(ProxyHeaderTest, NamesTheEndsOfUnixSockets) {
  EXPECT_EQ(decoded(binary(0x21, 0x31, path("/run/client") + path("/run/server"))),
            "232 unix:/run/client to unix:/run/server");
  EXPECT_EQ(decoded(binary(0x21, 0x31, path("") + path("\0name"s))), "232 unix: to unix:@name");
  EXPECT_EQ(decoded(binary(0x21, 0x31, std::string(108, 'a') + path("a\nb"))),
            "232 unix:" + std::string(108, 'a') + " to unix:a?b");
}

TEST(ProxyHeaderTest, SkipsExtensionsOfAnySize) {
  EXPECT_EQ(decoded(binary(0x21, 0x11, kIpv4 + "\x04\x00\x01x"s) + "GET"),
            "32 203.0.113.9:4711 to 192.0.2.1:443");
  EXPECT_EQ(decoded(binary(0x21, 0x11, kIpv4 + std::string(65'535 - 12, '\r')) + "GET"),
            "65551 203.0.113.9:4711 to 192.0.2.1:443");
  EXPECT_EQ(decoded(binary(0x21, 0x11, kIpv4 + "x").substr(0, 28)), "more");
}

TEST(ProxyHeaderTest, MayStandForTheProxyItself) {
  EXPECT_EQ(decoded(binary(0x20, 0x00, "")), "16 own ends");
  EXPECT_EQ(decoded(binary(0x20, 0x11, kIpv4)), "28 own ends");
  EXPECT_EQ(decoded(binary(0x20, 0xff, "x")), "17 own ends");
  EXPECT_EQ(decoded(binary(0x20, 0x11, "")), "16 own ends");
}

TEST(ProxyHeaderTest, MayNameEndsThatAreNoStreamSockets) {
  EXPECT_EQ(decoded(binary(0x21, 0x00, "")), "16 own ends");
  EXPECT_EQ(decoded(binary(0x21, 0x00, "whatever")), "24 own ends");
  EXPECT_EQ(decoded(binary(0x21, 0x12, kIpv4)), "28 own ends");
  EXPECT_EQ(decoded(binary(0x21, 0x22, kIpv6)), "52 own ends");
  EXPECT_EQ(decoded(binary(0x21, 0x32, path("") + path(""))), "232 own ends");
}

TEST(ProxyHeaderTest, IsRefusedForWhatVersion2DoesNotHave) {
  for (const unsigned command : {0x00U, 0x11U, 0x22U, 0x2fU, 0x31U, 0xffU})
    EXPECT_EQ(decoded(binary(command, 0x11, kIpv4)),
              "refused after 13: unknown version or command in a PROXY header");
  for (const unsigned family : {0x01U, 0x10U, 0x13U, 0x20U, 0x33U, 0x41U, 0xf1U, 0xffU})
    EXPECT_EQ(decoded(binary(0x21, family, path("") + path(""))),
              "refused after 14: unknown family in a PROXY header")
        << family;
}

TEST(ProxyHeaderTest, IsRefusedWhenItIsTooShortForItsAddresses) {
  const std::string expected = "refused after 16: PROXY header too short for its addresses";

  EXPECT_EQ(decoded(binary(0x21, 0x11, kIpv4.substr(1))), expected);
  EXPECT_EQ(decoded(binary(0x21, 0x21, kIpv6.substr(1))), expected);
  EXPECT_EQ(decoded(binary(0x21, 0x31, std::string(215, 'a'))), expected);
  EXPECT_EQ(decoded(binary(0x21, 0x12, "")), expected);
}

TEST(ProxyHeaderTest, IsIncompleteUntilItsLastOctet) {
  for (const std::string& header : {"PROXY TCP4 203.0.113.9 192.0.2.1 4711 443\r\n"s,
                                    binary(0x21, 0x11, kIpv4 + "\x04"), binary(0x20, 0x00, "x")}) {
    for (std::size_t size = 0; size < header.size(); ++size)
      EXPECT_EQ(decoded(header.substr(0, size)), "more");
    EXPECT_NE(decoded(header), "more");
  }
}

TEST(ProxyHeaderTest, SurvivesGarbage) {
  std::mt19937 random{1};
  const std::string good = binary(0x21, 0x31, path("a") + path("b"));
  const std::string line = "PROXY TCP6 2001:db8::1 2001:db8::2 4711 443\r\n";
  for (int i = 0; i < 50; ++i) {
    std::string octets = i % 2 == 0 ? good : line;
    for (unsigned changes = random() % 4 + 1; changes > 0; --changes)
      octets[random() % octets.size()] = static_cast<char>(random());
    static_cast<void>(decoded(octets));
  }
}

TEST(ProxyHeaderTest, StaysRefused) {
  ProxyHeaderDecoder decoder;
  std::size_t consumed = 0;
  ASSERT_EQ(decoder.decode("x", consumed), Status::refused);

  EXPECT_EQ(decoder.decode("PROXY UNKNOWN\r\n", consumed), Status::refused);
  EXPECT_EQ(consumed, 0U);
  EXPECT_EQ(ProxyHeaderDecoder::untrusted_refusal().status, 400U);
}

}  // namespace
}  // namespace spawning
