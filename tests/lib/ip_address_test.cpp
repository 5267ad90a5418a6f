// SPDX-License-Identifier: MIT
#include "spawning/ip_address.hpp"

#include <gtest/gtest.h>

namespace spawning {
namespace {

using Family = Address::Family;

std::string text_of(std::string_view written) {
  const auto parsed = IpAddress::parse(written);
  if (!parsed) return "none";
  Address address;
  parsed->write(address, 80);
  return address.to_string();
}

TEST(IpAddressTest, IsReadAndWrittenInItsUsualForm) {
  EXPECT_EQ(text_of("192.0.2.1"), "192.0.2.1:80");
  EXPECT_EQ(text_of("2001:DB8:0:0::1"), "[2001:db8::1]:80");
  EXPECT_EQ(text_of("::"), "[::]:80");
}

TEST(IpAddressTest, IsIpv4WhenMappedIntoIpv6) {
  EXPECT_EQ(text_of("::ffff:192.0.2.1"), "192.0.2.1:80");
  EXPECT_EQ(IpAddress::parse("::ffff:c000:0201"), IpAddress::parse("192.0.2.1"));
  EXPECT_NE(IpAddress::parse("::192.0.2.1"), IpAddress::parse("192.0.2.1"));
}

TEST(IpAddressTest, IsNothingElse) {
  using namespace std::string_view_literals;
  for (const std::string_view text :
       {""sv, "1"sv, "1.2.3"sv, "1.2.3.4.5"sv, "1.2.3.256"sv, "01.2.3.4"sv, "0x1.2.3.4"sv,
        " 1.2.3.4"sv, "1.2.3.4 "sv, "1.2.3.4\0"sv, "1.2.3.4:80"sv, "[::1]"sv, "fe80::1%lo"sv,
        ":::"sv, "1::2::3"sv, "12345::"sv, "localhost"sv,
        "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001"sv}) {
    EXPECT_EQ(IpAddress::parse(text), std::nullopt) << text;
  }
}

TEST(IpAddressTest, IsThatOfAnInternetSocket) {
  EXPECT_EQ(IpAddress::of({Family::ipv4, 80, "192.0.2.1"}), IpAddress::parse("192.0.2.1"));
  EXPECT_EQ(IpAddress::of({Family::ipv6, 80, "::1"}), IpAddress::parse("::1"));
  EXPECT_EQ(IpAddress::of({Family::unix_path, 0, "::1"}), std::nullopt);
  EXPECT_EQ(IpAddress::of({}), std::nullopt);
}

}  // namespace
}  // namespace spawning
