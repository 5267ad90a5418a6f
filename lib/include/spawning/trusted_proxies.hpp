// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Whose word about a client is taken.

#include <string>
#include <string_view>
#include <vector>

#include "spawning/address.hpp"
#include "spawning/export.hpp"
#include "spawning/ip_address.hpp"

namespace SPAWNING_EXPORT spawning {

/// The proxies that are believed when they say for whom they ask: addresses, networks, the peers of
/// UNIX sockets, or everybody. A value; by default nobody.
class TrustedProxies {
 public:
  TrustedProxies() = default;

  /// A list separated by commas, blanks around its entries do not count: addresses ("192.0.2.1",
  /// "::1"), networks ("10.0.0.0/8", "fd00::/8"), "unix" for every peer of a UNIX socket, "*" for
  /// everybody. "" is nobody.
  /// \throws StartupError that names the entry and says what was expected.
  [[nodiscard]] static TrustedProxies parse(std::string_view list);

  /// IPv4-mapped IPv6 addresses count as IPv4. A peer without an address (family `none`) is trusted
  /// only if everybody is.
  [[nodiscard]] bool trusts(const Address& peer) const;
  [[nodiscard]] bool trusts(const IpAddress& peer) const;

  /// What parse() made this of, without blanks.
  [[nodiscard]] const std::string& to_string() const { return text_; }

 private:
  struct Network {
    IpAddress address;
    unsigned bits = 0;  // of the 128
  };

  void add(std::string_view entry);

  std::vector<Network> networks_;
  bool unix_peers_ = false;
  bool everybody_ = false;
  std::string text_;
};

}  // namespace spawning
