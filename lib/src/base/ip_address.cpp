// SPDX-License-Identifier: MIT
#include "spawning/ip_address.hpp"

#include <arpa/inet.h>

#include <algorithm>

namespace spawning {
namespace {

constexpr std::size_t kMapped = 12;  // where an IPv4 address begins
constexpr std::array<std::uint8_t, kMapped> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  // inet_pton would stop at a NUL and be content.
  if (text.size() >= terminated.size() || text.find('\0') != text.npos) return std::nullopt;
  std::copy(text.begin(), text.end(), terminated.begin());
  std::array<std::uint8_t, 16> octets{};
  if (text.find(':') == text.npos) {
    if (::inet_pton(AF_INET, terminated.data(), octets.data()) != 1) return std::nullopt;
    return from_v4(octets.data());
  }
  if (::inet_pton(AF_INET6, terminated.data(), octets.data()) != 1) return std::nullopt;
  return from_v6(octets.data());
}

std::optional<IpAddress> IpAddress::of(const Address& address) {
  const bool internet =
      address.family == Address::Family::ipv4 || address.family == Address::Family::ipv6;
  return internet ? parse(address.host) : std::nullopt;
}

IpAddress IpAddress::from_v4(const std::uint8_t* octets) {
  IpAddress address;
  std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), address.octets.begin());
  std::copy_n(octets, 4, address.octets.begin() + kMapped);
  address.v4 = true;
  return address;
}

IpAddress IpAddress::from_v6(const std::uint8_t* octets) {
  IpAddress address;
  std::copy_n(octets, address.octets.size(), address.octets.begin());
  address.v4 = std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), octets);
  return address;
}

void IpAddress::write(Address& address, std::uint16_t port) const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  // Cannot fail: the families are known and there is room.
  ::inet_ntop(v4 ? AF_INET : AF_INET6, octets.data() + (v4 ? kMapped : 0), text.data(),
              text.size());
  address.family = v4 ? Address::Family::ipv4 : Address::Family::ipv6;
  address.port = port;
  address.host.assign(text.data());
}

}  // namespace spawning
