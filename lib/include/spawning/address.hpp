// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Addresses: of a peer, of a listening socket, and as a person writes them on a command line.

#include <cstdint>
#include <string>
#include <string_view>

#include "spawning/export.hpp"

struct sockaddr;

namespace SPAWNING_EXPORT spawning {

/// One end of a stream socket, as text. A value.
struct Address {
  enum class Family : std::uint8_t { none, ipv4, ipv6, unix_path };

  Family family = Family::none;
  std::uint16_t port = 0;  ///< 0 for UNIX sockets
  std::string
      host;  ///< "127.0.0.1", "::1" (no brackets), or the path of a UNIX socket ("" if unnamed)

  [[nodiscard]] static Address from(const sockaddr& address, unsigned length);
  /// The address that `fd` is bound to. \throws std::system_error
  [[nodiscard]] static Address local(int fd);
  /// The address of the other end of `fd`; family `none` if it has gone already.
  [[nodiscard]] static Address peer(int fd);

  /// "127.0.0.1:8080", "[::1]:8080", "unix:/run/app.sock".
  [[nodiscard]] std::string to_string() const;

  /// What a person can click on: "http://127.0.0.1:8080/", also for 0.0.0.0; as to_string() for UNIX sockets.
  [[nodiscard]] std::string url() const;

  friend bool operator==(const Address&, const Address&) = default;
};

/// Where a listening socket comes from: `HOST:PORT`, `[v6]:PORT`, `unix:PATH` or `fd://N`.
struct BindAddress {
  enum class Kind : std::uint8_t { host_port, unix_path, inherited };

  Kind kind = Kind::host_port;
  std::string host;  ///< a name, an IPv4 or an IPv6 address (no brackets); the path for `unix_path`
  std::uint16_t port = 0;  ///< 0 lets the kernel choose
  int fd = -1;             ///< for `inherited`

  /// \throws StartupError that says what was expected.
  [[nodiscard]] static BindAddress parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
};

}  // namespace spawning
