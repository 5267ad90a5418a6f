// SPDX-License-Identifier: MIT
#include "spawning/address.hpp"

#include <gtest/gtest.h>

#include "spawning/error.hpp"

namespace spawning {
namespace {

using Kind = BindAddress::Kind;

TEST(AddressTest, IsWrittenAsPeopleWriteIt) {
  EXPECT_EQ((Address{Address::Family::ipv4, 8080, "127.0.0.1"}.to_string()), "127.0.0.1:8080");
  EXPECT_EQ((Address{Address::Family::ipv6, 8080, "::1"}.to_string()), "[::1]:8080");
  EXPECT_EQ((Address{Address::Family::unix_path, 0, "/run/app.sock"}.to_string()),
            "unix:/run/app.sock");
}

TEST(AddressTest, IsAUrlThatABrowserCanOpen) {
  EXPECT_EQ((Address{Address::Family::ipv4, 80, "10.1.2.3"}.url()), "http://10.1.2.3:80/");
  EXPECT_EQ((Address{Address::Family::ipv4, 8080, "0.0.0.0"}.url()), "http://127.0.0.1:8080/");
  EXPECT_EQ((Address{Address::Family::ipv6, 8080, "::"}.url()), "http://[::1]:8080/");
  EXPECT_EQ((Address{Address::Family::unix_path, 0, "/run/app.sock"}.url()), "unix:/run/app.sock");
}

TEST(AddressTest, OfAPeerThatIsNoneIsNone) {
  EXPECT_EQ(Address::peer(-1).family, Address::Family::none);
}

TEST(BindAddressTest, IsAHostAndAPort) {
  const auto address = BindAddress::parse("example.org:8000");

  EXPECT_EQ(address.kind, Kind::host_port);
  EXPECT_EQ(address.host, "example.org");
  EXPECT_EQ(address.port, 8000);
  EXPECT_EQ(address.to_string(), "example.org:8000");
}

TEST(BindAddressTest, IsAnIpv6AddressInBrackets) {
  const auto address = BindAddress::parse("[::1]:0");

  EXPECT_EQ(address.host, "::1");
  EXPECT_EQ(address.port, 0);
  EXPECT_EQ(address.to_string(), "[::1]:0");
}

TEST(BindAddressTest, IsThePathOfAUnixSocket) {
  const auto address = BindAddress::parse("unix:run/app.sock");

  EXPECT_EQ(address.kind, Kind::unix_path);
  EXPECT_EQ(address.host, "run/app.sock");
  EXPECT_EQ(address.to_string(), "unix:run/app.sock");
}

TEST(BindAddressTest, IsAnInheritedDescriptor) {
  const auto address = BindAddress::parse("fd://3");

  EXPECT_EQ(address.kind, Kind::inherited);
  EXPECT_EQ(address.fd, 3);
  EXPECT_EQ(address.to_string(), "fd://3");
}

TEST(BindAddressTest, RefusesEverythingElseSayingWhatWasExpected) {
  for (const char* text :
       {"", "8080", ":8080", "host:", "host:x", "host:65536", "host:-1", "host:80 ", "::1:80",
        "[::1]", "[::1:80", "[nonsense]:80", "[]:80", "unix:", "fd://", "fd://x", "fd://-1"}) {
    try {
      static_cast<void>(BindAddress::parse(text));
      ADD_FAILURE() << text;
    } catch (const StartupError& error) {
      EXPECT_NE(std::string{error.what()}.find("expected HOST:PORT"), std::string::npos)
          << error.what();
    }
  }
}

}  // namespace
}  // namespace spawning
