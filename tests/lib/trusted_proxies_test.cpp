// SPDX-License-Identifier: MIT
#include "spawning/trusted_proxies.hpp"

#include <gtest/gtest.h>

#include "spawning/config.hpp"
#include "spawning/error.hpp"

namespace spawning {
namespace {

using Family = Address::Family;

bool trusts(std::string_view list, std::string_view peer) {
  const bool v6 = peer.find(':') != peer.npos;
  return TrustedProxies::parse(list).trusts(
      Address{v6 ? Family::ipv6 : Family::ipv4, 4711, std::string{peer}});
}

std::string refusal(std::string_view list) {
  try {
    static_cast<void>(TrustedProxies::parse(list));
  } catch (const StartupError& error) {
    return error.what();
  }
  return "";
}

TEST(TrustedProxiesTest, AreNobodyByDefault) {
  EXPECT_FALSE(TrustedProxies{}.trusts(Address{Family::ipv4, 1, "127.0.0.1"}));
  EXPECT_FALSE(trusts("", "127.0.0.1"));
  EXPECT_FALSE(trusts("  ", "127.0.0.1"));
}

TEST(TrustedProxiesTest, AreThisMachinesInAConfiguration) {
  const HttpConfig config;

  EXPECT_TRUE(config.forwarded_allow.trusts(Address{Family::ipv4, 1, "127.0.0.1"}));
  EXPECT_TRUE(config.forwarded_allow.trusts(Address{Family::ipv6, 1, "::1"}));
  EXPECT_FALSE(config.forwarded_allow.trusts(Address{Family::ipv4, 1, "127.0.0.2"}));
  EXPECT_FALSE(config.forwarded_allow.trusts(Address{Family::unix_path, 0, ""}));
}

TEST(TrustedProxiesTest, AreAddresses) {
  EXPECT_TRUE(trusts("192.0.2.1, ::1", "192.0.2.1"));
  EXPECT_TRUE(trusts("192.0.2.1, ::1", "::1"));
  EXPECT_FALSE(trusts("192.0.2.1, ::1", "192.0.2.2"));
  EXPECT_FALSE(trusts("192.0.2.1, ::1", "::2"));
}

TEST(TrustedProxiesTest, AreNetworks) {
  EXPECT_TRUE(trusts("10.0.0.0/8", "10.255.255.255"));
  EXPECT_FALSE(trusts("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(trusts("192.0.2.128/25", "192.0.2.128"));
  EXPECT_FALSE(trusts("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(trusts("192.0.2.4/31", "192.0.2.5"));
  EXPECT_FALSE(trusts("192.0.2.4/31", "192.0.2.6"));
  EXPECT_TRUE(trusts("192.0.2.4/32", "192.0.2.4"));
  EXPECT_TRUE(trusts("fd00::/8", "fdff::1"));
  EXPECT_FALSE(trusts("fd00::/8", "fe00::1"));
  EXPECT_TRUE(trusts("2001:db8:0:8000::/49", "2001:db8:0:ffff::"));
  EXPECT_FALSE(trusts("2001:db8:0:8000::/49", "2001:db8:0:7fff::"));
}

TEST(TrustedProxiesTest, OfOneFamilyAreNotThoseOfTheOther) {
  EXPECT_TRUE(trusts("0.0.0.0/0", "203.0.113.9"));
  EXPECT_FALSE(trusts("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(trusts("::/0", "2001:db8::1"));
  EXPECT_FALSE(trusts("::/0", "203.0.113.9"));
}

TEST(TrustedProxiesTest, TakeAMappedAddressForTheIpv4Address) {
  EXPECT_TRUE(trusts("127.0.0.1", "::ffff:127.0.0.1"));
  EXPECT_TRUE(trusts("10.0.0.0/8", "::ffff:10.1.2.3"));
  EXPECT_TRUE(trusts("::ffff:10.0.0.0/104", "10.1.2.3"));
  EXPECT_FALSE(trusts("::/0", "::ffff:127.0.0.1"));
}

TEST(TrustedProxiesTest, MayBeThePeersOfUnixSockets) {
  const Address unnamed{Family::unix_path, 0, ""};

  EXPECT_TRUE(TrustedProxies::parse("unix").trusts(unnamed));
  EXPECT_FALSE(TrustedProxies::parse("0.0.0.0/0,::/0").trusts(unnamed));
  EXPECT_FALSE(trusts("unix", "127.0.0.1"));
}

TEST(TrustedProxiesTest, MayBeEverybody) {
  EXPECT_TRUE(trusts("*", "203.0.113.9"));
  EXPECT_TRUE(trusts("*", "2001:db8::1"));
  EXPECT_TRUE(TrustedProxies::parse("*").trusts(Address{Family::unix_path, 0, ""}));
  EXPECT_TRUE(TrustedProxies::parse("*").trusts(Address{}));
  EXPECT_FALSE(TrustedProxies::parse("0.0.0.0/0,unix").trusts(Address{}));
}

TEST(TrustedProxiesTest, AreWrittenAsTheyWereRead) {
  EXPECT_EQ(TrustedProxies::parse(" 10.0.0.0/8 ,unix,*").to_string(), "10.0.0.0/8,unix,*");
}

TEST(TrustedProxiesTest, NameTheEntryThatIsNone) {
  EXPECT_EQ(refusal("127.0.0.1,proxy"),
            "\"proxy\" is no address or network; expected such as 192.0.2.1, 10.0.0.0/8, ::1, "
            "unix, *");
  for (const std::string_view list : {",", "::1,", ",::1", "127.0.0.1 ::1", "1.2.3", "1.2.3.4:80",
                                      "[::1]", "UNIX", "**", "unix:/run/a", "/8"}) {
    EXPECT_NE(refusal(list).find("is no address or network"), std::string::npos) << list;
  }
}

TEST(TrustedProxiesTest, NameTheNetworkThatIsNone) {
  for (const std::string_view list : {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8 8",
                                      "10.0.0.0/0x8", "10.0.0.0/8/8"}) {
    EXPECT_EQ(refusal(list), "\"" + std::string{list} + "\" is no network: expected /0 to /32");
  }
  EXPECT_EQ(refusal("fd00::/129"), "\"fd00::/129\" is no network: expected /0 to /128");
  EXPECT_EQ(refusal("10.1.2.3/8"), "\"10.1.2.3/8\" has bits beyond its prefix");
  EXPECT_EQ(refusal("fd00::1/8"), "\"fd00::1/8\" has bits beyond its prefix");
}

}  // namespace
}  // namespace spawning
