// SPDX-License-Identifier: MIT
#include "http/forwarded.hpp"

#include <gtest/gtest.h>

#include "http/forwarded_element.hpp"
#include "support/allocations.hpp"

namespace spawning {
namespace {

using Family = Address::Family;
using Fields = std::vector<Header>;

constexpr std::string_view kTrusted = "127.0.0.1,10.0.0.0/8,fd00::/8,unix";

const Address kProxy{Family::ipv4, 50'000, "127.0.0.1"};
const Address kStranger{Family::ipv4, 50'000, "198.51.100.66"};
const Address kUnixPeer{Family::unix_path, 0, ""};

struct ForwardedTest : ::testing::Test {
  Origin read(const Fields& fields, const Address& peer = kProxy,
              std::string_view host = "inside") {
    RequestHead head;
    head.host = host;
    head.headers = fields;
    return reader.read(head, peer, trusted);
  }

  // "client scheme host" of a request from kProxy.
  std::string heard(const Fields& fields, const Address& peer = kProxy) {
    const Origin origin = read(fields, peer);
    return origin.client->to_string() + ' ' + std::string{origin.scheme} + ' ' +
           std::string{origin.host};
  }

  // Only the client, without the rest.
  std::string client(const Fields& fields, const Address& peer = kProxy) {
    return read(fields, peer).client->to_string();
  }
  std::string x_for(std::string_view value) { return client({{"X-Forwarded-For", value}}); }
  std::string rfc(std::string_view value) { return heard({{"Forwarded", value}}); }

  TrustedProxies trusted = TrustedProxies::parse(kTrusted);
  ForwardedReader reader;
};

std::string names(const Origin& origin) {
  std::string text;
  for (const Header& header : origin.headers)
    text += (text.empty() ? "" : " ") + std::string{header.name};
  return text;
}

TEST_F(ForwardedTest, IsThePeerWhereNobodyForwards) {
  const Fields fields{{"Host", "inside"}, {"Cookie", "a"}};

  const Origin origin = read(fields);

  EXPECT_EQ(origin.client, &kProxy);
  EXPECT_EQ(origin.scheme, "http");
  EXPECT_EQ(origin.host, "inside");
  EXPECT_EQ(origin.headers.data(), fields.data());
  EXPECT_EQ(origin.headers.size(), fields.size());
}

TEST_F(ForwardedTest, IsWhatATrustedProxySays) {
  EXPECT_EQ(heard({{"X-Forwarded-For", "203.0.113.9"},
                   {"X-Forwarded-Proto", "https"},
                   {"X-Forwarded-Host", "shop.example"}}),
            "203.0.113.9:0 https shop.example");
  EXPECT_EQ(rfc("for=203.0.113.9;proto=https;host=shop.example;by=10.0.0.1"),
            "203.0.113.9:0 https shop.example");
}

TEST_F(ForwardedTest, IsNotWhatAStrangerSays) {
  const Fields fields{{"Host", "inside"},
                      {"X-Forwarded-For", "203.0.113.9"},
                      {"x-forwarded-proto", "https"},
                      {"X-FORWARDED-HOST", "shop.example"},
                      {"X-Forwarded-Port", "8443"},
                      {"Forwarded", "for=203.0.113.9;proto=https"},
                      {"X-Forwarded-Prefix", "/admin"},
                      {"X-Forwarded-", "odd"},
                      {"X_Forwarded_For", "203.0.113.9"},
                      {"Cookie", "a"}};

  EXPECT_EQ(heard(fields, kStranger), "198.51.100.66:50000 http inside");
  EXPECT_EQ(names(read(fields, kStranger)), "Host Cookie");
  EXPECT_EQ(names(read(fields, Address{})), "Host Cookie");
}

TEST_F(ForwardedTest, LeavesFieldsThatOnlyLookAlike) {
  const Fields fields{{"X-Forwarded", "a"},     {"Forwarding", "b"}, {"X-Forward-For", "c"},
                      {"X-Forwarder-For", "d"}, {"Forward", "e"},    {"X-Request-Start", "f"}};

  EXPECT_EQ(read(fields, kStranger).headers.size(), fields.size());
}

TEST_F(ForwardedTest, LeavesTheFieldsOfATrustedProxy) {
  const Fields fields{{"X-Forwarded-For", "203.0.113.9"}, {"X-Forwarded-Prefix", "/shop"}};

  EXPECT_EQ(names(read(fields)), "X-Forwarded-For X-Forwarded-Prefix");
  EXPECT_EQ(names(read({{"Forwarded", "for=203.0.113.9"}})), "Forwarded");
}

TEST_F(ForwardedTest, DropsNamesInDisguiseWhoeverSendsThem) {
  const Fields fields{{"X-Forwarded-For", "203.0.113.9"},
                      {"X_Forwarded_For", "192.0.2.66"},
                      {"X-Forwarded_Proto", "https"},
                      {"Cookie", "a"}};

  EXPECT_EQ(heard(fields), "203.0.113.9:0 http inside");
  EXPECT_EQ(names(read(fields)), "X-Forwarded-For Cookie");
}

TEST_F(ForwardedTest, TakesXForwardedWhereBothAreThereAndDropsTheOther) {
  for (const Header& field :
       {Header{"X-Forwarded-For", "203.0.113.9"}, Header{"X-Forwarded-Proto", "http"},
        Header{"X-Forwarded-Host", "inside"}, Header{"X-Forwarded-Port", "80"}}) {
    const Fields fields{{"Forwarded", "for=192.0.2.66;proto=https;host=evil.example"}, field};

    EXPECT_EQ(heard(fields), field.name == "X-Forwarded-For" ? "203.0.113.9:0 http inside"
                                                             : "127.0.0.1:50000 http inside");
    EXPECT_EQ(names(read(fields)), field.name);
  }
  const Fields other{{"Forwarded", "for=192.0.2.66"}, {"X-Forwarded-Prefix", "/"}};
  EXPECT_EQ(client(other), "192.0.2.66:0");
}

TEST_F(ForwardedTest, WalksFromTheRightToTheFirstThatIsNotTrusted) {
  EXPECT_EQ(x_for("192.0.2.66, 203.0.113.9"), "203.0.113.9:0");
  EXPECT_EQ(x_for("192.0.2.66, 203.0.113.9, 10.0.0.1"), "203.0.113.9:0");
  EXPECT_EQ(x_for("192.0.2.66, 203.0.113.9, 10.0.0.1, 10.0.0.2,127.0.0.1"), "203.0.113.9:0");
  EXPECT_EQ(x_for("127.0.0.1, 203.0.113.9"), "203.0.113.9:0");
  EXPECT_EQ(rfc("for=127.0.0.1;proto=https, for=203.0.113.9;host=a, for=10.0.0.1;proto=https"),
            "203.0.113.9:0 http a");
}

TEST_F(ForwardedTest, IsTheLeftmostWhereAllAreTrusted) {
  EXPECT_EQ(x_for("10.0.0.3, 10.0.0.1"), "10.0.0.3:0");
  EXPECT_EQ(x_for("10.0.0.3"), "10.0.0.3:0");
  EXPECT_EQ(rfc("for=10.0.0.3;proto=https, for=10.0.0.1"), "10.0.0.3:0 https inside");

  trusted = TrustedProxies::parse("*");
  EXPECT_EQ(x_for("192.0.2.66, 203.0.113.9"), "192.0.2.66:0");
}

TEST_F(ForwardedTest, IsTheSameOverSeveralLines) {
  EXPECT_EQ(client({{"X-Forwarded-For", "192.0.2.66"},
                    {"Cookie", "a"},
                    {"x-forwarded-for", "203.0.113.9, 10.0.0.1"},
                    {"X-Forwarded-For", "10.0.0.2"}}),
            "203.0.113.9:0");
  EXPECT_EQ(client({{"Forwarded", "for=192.0.2.66"},
                    {"Forwarded", "for=203.0.113.9, for=10.0.0.1"},
                    {"Forwarded", ""},
                    {"Forwarded", "for=10.0.0.2"}}),
            "203.0.113.9:0");
}

TEST_F(ForwardedTest, DoesNotCountEmptyElements) {
  EXPECT_EQ(x_for(", 192.0.2.66,, 203.0.113.9 , ,10.0.0.1,"), "203.0.113.9:0");
  EXPECT_EQ(x_for(""), "127.0.0.1:50000");
  EXPECT_EQ(x_for(" , ,"), "127.0.0.1:50000");
  EXPECT_EQ(rfc(",for=203.0.113.9, ,"), "203.0.113.9:0 http inside");
}

TEST_F(ForwardedTest, TakesAddressesInEveryForm) {
  EXPECT_EQ(x_for("203.0.113.9:4711"), "203.0.113.9:4711");
  EXPECT_EQ(x_for("2001:DB8:0::1"), "[2001:db8::1]:0");
  EXPECT_EQ(x_for("[2001:db8::1]"), "[2001:db8::1]:0");
  EXPECT_EQ(x_for("[2001:db8::1]:4711"), "[2001:db8::1]:4711");
  EXPECT_EQ(x_for("::ffff:203.0.113.9"), "203.0.113.9:0");
  EXPECT_EQ(x_for("203.0.113.9:_port"), "203.0.113.9:0");
  EXPECT_EQ(rfc("for=\"203.0.113.9:4711\""), "203.0.113.9:4711 http inside");
  EXPECT_EQ(rfc("for=\"[2001:db8::1]:4711\""), "[2001:db8::1]:4711 http inside");
  EXPECT_EQ(rfc("FOR=\"[2001:db8::1]\""), "[2001:db8::1]:0 http inside");
  EXPECT_EQ(rfc("for=\"[2001:db8::1]:_hidden\""), "[2001:db8::1]:0 http inside");
}

TEST_F(ForwardedTest, TrustsAMappedAddressAsIpv4) {
  EXPECT_EQ(x_for("203.0.113.9, ::ffff:10.0.0.1"), "203.0.113.9:0");
  EXPECT_EQ(client({{"X-Forwarded-For", "203.0.113.9"}}, {Family::ipv6, 1, "::ffff:127.0.0.1"}),
            "203.0.113.9:0");
}

TEST_F(ForwardedTest, HearsThePeersOfUnixSocketsIfTheyAreTrusted) {
  const Fields fields{{"X-Forwarded-For", "203.0.113.9"}, {"X-Forwarded-Proto", "https"}};

  EXPECT_EQ(heard(fields, kUnixPeer), "203.0.113.9:0 https inside");
  trusted = TrustedProxies::parse("127.0.0.1,::1");
  EXPECT_EQ(heard(fields, kUnixPeer), "unix: http inside");
  EXPECT_EQ(names(read(fields, kUnixPeer)), "");
}

TEST_F(ForwardedTest, BelievesNothingLeftOfWhatIsMalformed) {
  for (const std::string_view bad : {"x",
                                     "1.2.3",
                                     "1.2.3.4.5",
                                     "256.1.1.1",
                                     "01.2.3.4",
                                     "1.2.3.4:",
                                     "1.2.3.4:65536",
                                     "1.2.3.4:-1",
                                     "1.2.3.4:99999",
                                     "1.2.3.4:123456",
                                     "1.2.3.4:8 0",
                                     "[2001:db8::1",
                                     "2001:db8::1]",
                                     "[2001:db8::1]x",
                                     "[2001:db8::1]:",
                                     "[1.2.3.4]",
                                     "[]",
                                     "[unknown]",
                                     "2001:db8::g",
                                     "fe80::1%eth0",
                                     "1.2.3.4 5.6.7.8",
                                     "unknown:",
                                     "_",
                                     "_a b",
                                     "_a/b",
                                     "localhost",
                                     "\"203.0.113.9\"",
                                     "for=203.0.113.9",
                                     "1.2.3.4:_",
                                     ":80",
                                     "."}) {
    EXPECT_EQ(x_for("203.0.113.9, " + std::string{bad}), "127.0.0.1:50000") << bad;
    EXPECT_EQ(x_for("203.0.113.9, " + std::string{bad} + ", 10.0.0.1"), "10.0.0.1:0") << bad;
    EXPECT_EQ(x_for(std::string{bad} + ", 203.0.113.9"), "203.0.113.9:0") << bad;
  }
}

TEST_F(ForwardedTest, BelievesNothingLeftOfAMalformedElement) {
  for (const std::string_view bad : {"for",
                                     "for=",
                                     "=x",
                                     "for=203.0.113.9:80",
                                     "for=[2001:db8::1]",
                                     "for=2001:db8::1",
                                     "for=\"2001:db8::1\"",
                                     "for=\"203.0.113.9",
                                     "for=203.0.113.9\"",
                                     "for=\"\"",
                                     "for=x",
                                     "for=203.0.113.9 proto=https",
                                     "for=203.0.113.9;;proto",
                                     "for=203.0.113.9;for=192.0.2.1",
                                     "for=203.0.113.9;proto=https;proto=http",
                                     "proto=https;host=a;host=b",
                                     "for=\"203.0.113\\.9\"",
                                     "for =203.0.113.9",
                                     "for= 203.0.113.9",
                                     "f(r=203.0.113.9",
                                     "for=203.0.113.9;by=a;by=b",
                                     "for=203.0.113.9;x=\"",
                                     "203.0.113.9"}) {
    EXPECT_EQ(rfc("for=192.0.2.66;proto=https;host=evil, " + std::string{bad}),
              "127.0.0.1:50000 http inside")
        << bad;
    EXPECT_EQ(rfc("for=192.0.2.66;proto=https, " + std::string{bad} + ", for=10.0.0.1;host=a"),
              "10.0.0.1:0 http a")
        << bad;
    EXPECT_EQ(rfc(std::string{bad} + ", for=203.0.113.9"), "203.0.113.9:0 http inside") << bad;
  }
}

TEST_F(ForwardedTest, CannotBeMisledByQuotesOnTheLeft) {
  for (const std::string_view left : {"for=\"", "for=\"a", "for=\"a\\", "\"", "\\", "for=\\\"",
                                      "for=\"\\\"", "x=\"a,b", "\"\"\""}) {
    EXPECT_EQ(rfc(std::string{left} + ", for=203.0.113.9;proto=https"),
              "203.0.113.9:0 https inside")
        << left;
    EXPECT_EQ(rfc(std::string{left} + ",for=\"[2001:db8::1]:80\""), "[2001:db8::1]:80 http inside")
        << left;
  }
}

TEST_F(ForwardedTest, MayHaveCommasSemicolonsAndEscapesInQuotes) {
  EXPECT_EQ(rfc("for=192.0.2.66, for=203.0.113.9;x=\"a, for=10.0.0.1;\\\" b\\\\\";proto=https"),
            "203.0.113.9:0 https inside");
  EXPECT_EQ(rfc("x=\"\\\\\\\",\";for=203.0.113.9"), "203.0.113.9:0 http inside");
}

TEST_F(ForwardedTest, MayHaveBlanksAndEmptyPairs) {
  EXPECT_EQ(rfc("for=203.0.113.9 ; proto=https ;; host=a;"), "203.0.113.9:0 https a");
  EXPECT_EQ(rfc(";for=203.0.113.9"), "203.0.113.9:0 http inside");
}

TEST_F(ForwardedTest, IsTheLastOneNamedWhereTheClientIsHidden) {
  for (const std::string_view hidden :
       {"unknown", "UNKNOWN", "_hidden", "_SEVKISEK", "_a.b-c_d", "unknown:80", "_hidden:_port"}) {
    EXPECT_EQ(x_for("192.0.2.66, " + std::string{hidden}), "127.0.0.1:50000") << hidden;
    EXPECT_EQ(x_for("192.0.2.66, " + std::string{hidden} + ", 10.0.0.1"), "10.0.0.1:0") << hidden;
    const std::string element = "for=\"" + std::string{hidden} + "\";proto=https;host=a";
    EXPECT_EQ(rfc("for=192.0.2.66, " + element), "127.0.0.1:50000 https a") << hidden;
    EXPECT_EQ(rfc("for=192.0.2.66, " + element + ", for=10.0.0.1"), "10.0.0.1:0 https a") << hidden;
  }
  EXPECT_EQ(rfc("for=192.0.2.66, proto=https;host=a"), "127.0.0.1:50000 https a");
  EXPECT_EQ(rfc("for=192.0.2.66, by=10.0.0.1"), "127.0.0.1:50000 http inside");
}

TEST_F(ForwardedTest, HasTheSchemeThatBelongsToTheClient) {
  const auto scheme = [this](std::string_view hops, std::string_view protos) {
    return std::string{read({{"X-Forwarded-For", hops}, {"X-Forwarded-Proto", protos}}).scheme};
  };

  EXPECT_EQ(scheme("203.0.113.9", "https"), "https");
  EXPECT_EQ(scheme("203.0.113.9", "HTTPS"), "https");
  EXPECT_EQ(scheme("203.0.113.9", "http"), "http");
  EXPECT_EQ(scheme("203.0.113.9", "wss"), "http");
  EXPECT_EQ(scheme("203.0.113.9", "\"https\""), "http");
  EXPECT_EQ(scheme("203.0.113.9", ""), "http");
  EXPECT_EQ(scheme("203.0.113.9", "https, http"), "http");  // the left one is the client's own word
  EXPECT_EQ(scheme("203.0.113.9, 10.0.0.1", "https, http"), "https");
  EXPECT_EQ(scheme("192.0.2.66, 203.0.113.9, 10.0.0.1", "https, http, https"), "http");
  EXPECT_EQ(scheme("203.0.113.9, 10.0.0.1, 10.0.0.2", "https"), "https");
  EXPECT_EQ(scheme("203.0.113.9, 10.0.0.1, 10.0.0.2", "https, http"), "http");
  EXPECT_EQ(scheme("bad, 10.0.0.1", "https, http"), "http");
  EXPECT_EQ(scheme("unknown, 10.0.0.1", "https, http"), "https");
  EXPECT_EQ(std::string{read({{"X-Forwarded-Proto", "https"}}).scheme}, "https");
  EXPECT_EQ(heard({{"X-Forwarded-Proto", "https"}, {"X-Forwarded-Proto", "http"}}),
            "127.0.0.1:50000 http inside");
}

TEST_F(ForwardedTest, HasTheHostOnlyIfItIsAnAuthority) {
  const auto host = [this](std::string_view value) {
    return std::string{read({{"X-Forwarded-Host", value}}).host};
  };

  EXPECT_EQ(host("shop.example:8443"), "shop.example:8443");
  EXPECT_EQ(host("[2001:db8::1]:80"), "[2001:db8::1]:80");
  EXPECT_EQ(host("evil.example, shop.example"), "shop.example");
  for (const std::string_view bad : {"", "a b", "a/b", "user@a", "a:b", "a:65536", "[::1",
                                     "a:80:80", "http://a", "a?b", "a#b", "\xc3\xa4"}) {
    EXPECT_EQ(host(bad), "inside") << bad;
  }
  EXPECT_EQ(rfc("host=\"shop.example:8443\""), "127.0.0.1:50000 http shop.example:8443");
  EXPECT_EQ(rfc("host=\"a/b\";proto=https"), "127.0.0.1:50000 https inside");
}

TEST_F(ForwardedTest, HasThePortUnlessItIsThatOfTheScheme) {
  const auto host = [this](std::string_view of_host, std::string_view port,
                           std::string_view scheme) {
    const Fields fields{{"X-Forwarded-Port", port}, {"X-Forwarded-Proto", scheme}};
    return std::string{read(fields, kProxy, of_host).host};
  };

  EXPECT_EQ(host("a", "8443", "https"), "a:8443");
  EXPECT_EQ(host("a:80", "8443", "https"), "a:8443");
  EXPECT_EQ(host("a", "443", "https"), "a");
  EXPECT_EQ(host("a:8000", "443", "https"), "a");
  EXPECT_EQ(host("a", "443", "http"), "a:443");
  EXPECT_EQ(host("a", "80", "http"), "a");
  EXPECT_EQ(host("a:", "81", "http"), "a:81");
  EXPECT_EQ(host("[::1]", "8080", "http"), "[::1]:8080");
  EXPECT_EQ(host("[::1]:1", "80", "http"), "[::1]");
  EXPECT_EQ(host("a", "65535", "http"), "a:65535");
  EXPECT_EQ(host("", "8443", "https"), "");
  for (const std::string_view bad : {"", "0", "65536", "-1", "+80", "8 0", "x", "000080", "80x"})
    EXPECT_EQ(host("a:1", bad, "http"), "a:1") << bad;
  EXPECT_EQ(heard({{"X-Forwarded-Host", "shop.example"}, {"X-Forwarded-Port", "1, 8080"}}),
            "127.0.0.1:50000 http shop.example:8080");
}

TEST_F(ForwardedTest, WalksAHundredHops) {
  std::string x_hops = "192.0.2.66, 203.0.113.9", hops = "for=192.0.2.66, for=203.0.113.9";
  for (int i = 0; i < 100; ++i) {
    x_hops += ", 10.0.0." + std::to_string(i);
    hops += ", for=\"10.0.0." + std::to_string(i) + ":80\"";
  }

  EXPECT_EQ(x_for(x_hops), "203.0.113.9:0");
  EXPECT_EQ(rfc(hops), "203.0.113.9:0 http inside");
}

TEST_F(ForwardedTest, ForgetsTheRequestBefore) {
  const std::string said = heard({{"X-Forwarded-For", "203.0.113.9"},
                                  {"X-Forwarded-Proto", "https"},
                                  {"X-Forwarded-Port", "8443"}});
  EXPECT_EQ(said, "203.0.113.9:0 https inside:8443");

  EXPECT_EQ(heard({{"Cookie", "a"}}), "127.0.0.1:50000 http inside");
  EXPECT_EQ(heard({{"X-Forwarded-For", "bad"}}), "127.0.0.1:50000 http inside");
}

TEST_F(ForwardedTest, AllocatesNothingOnceItHasItsMemory) {
  const Fields fields{{"X-Forwarded-For", "2001:db8:1234:5678:9abc:def0:1234:5678, 10.0.0.1"},
                      {"X-Forwarded-Host", "a-host-that-is-longer-than-a-small-string.example"},
                      {"X-Forwarded-Port", "8443"},
                      {"Forwarded", "for=192.0.2.66"}};
  RequestHead head;
  head.headers = fields;
  static_cast<void>(reader.read(head, kProxy, trusted));
  static_cast<void>(reader.read(head, kStranger, trusted));

  const auto before = test::allocations();
  static_cast<void>(reader.read(head, kProxy, trusted));
  static_cast<void>(reader.read(head, kStranger, trusted));

  EXPECT_EQ(test::allocations(), before);
}

}  // namespace
}  // namespace spawning
