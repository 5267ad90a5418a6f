// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Addresses: of a peer, of a listening socket, and as a person writes them on a command line.

#include <cstdint>
#include <string>
#include <string_view>

#include "spawning/unique_fd.hpp"

struct sockaddr;

namespace spawning {

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

/// Binds and listens. The socket is close-on-exec and non-blocking; TCP sockets have SO_REUSEADDR
/// and TCP_NODELAY set (accepted connections inherit the latter). A stale socket file, one that
/// nobody listens on, is replaced; one in use is an error. An inherited descriptor is checked to be
/// a listening stream socket. \throws StartupError: one line with the address and the reason (in
/// use, not ours, privileged…). \see bind(2), listen(2), unix(7)
[[nodiscard]] UniqueFd bind_listener(const BindAddress& address, int backlog = 2048);

/// Owns the file of a UNIX socket that this process has bound: removes it when destroyed, unless
/// another file has taken its place. The path keeps its meaning when the current directory changes.
class SocketFile {
 public:
  /// 	hrows std::system_error if there is no such file.
  explicit SocketFile(const std::string& path);
  SocketFile(SocketFile&& other) noexcept;
  SocketFile& operator=(SocketFile&&) = delete;
  ~SocketFile();

 private:
  std::string path_;  // empty: nothing is owned
  std::uint64_t device_ = 0;
  std::uint64_t inode_ = 0;
};

}  // namespace spawning
