// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// IP addresses as numbers.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "spawning/address.hpp"
#include "spawning/export.hpp"

namespace SPAWNING_EXPORT spawning {

/// An IP address. A value; nothing here allocates but write(), and that only for lack of capacity.
///
/// An IPv4-mapped IPv6 address, which is what a dual-stack socket sees of IPv4 peers, is the IPv4
/// address. \see RFC 4291 §2.5.5.2
struct IpAddress {
  std::array<std::uint8_t, 16> octets{};  ///< in network order; IPv4 as mapped into IPv6
  bool v4 = false;

  /// "192.0.2.1" or "2001:db8::1": no brackets, zones, ports, leading zeros or blanks.
  [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);
  /// The address of a socket; nothing for UNIX sockets.
  [[nodiscard]] static std::optional<IpAddress> of(const Address& address);
  /// From 4 or 16 octets in network order.
  [[nodiscard]] static IpAddress from_v4(const std::uint8_t* octets);
  [[nodiscard]] static IpAddress from_v6(const std::uint8_t* octets);

  /// Makes `address` this address with that port; reuses the memory of its text.
  void write(Address& address, std::uint16_t port) const;

  friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

}  // namespace spawning
