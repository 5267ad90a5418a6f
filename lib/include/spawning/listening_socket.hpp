// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Listening sockets: how they come about, and how they end without losing a client.

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "spawning/address.hpp"
#include "spawning/error.hpp"
#include "spawning/export.hpp"
#include "spawning/unique_fd.hpp"

namespace SPAWNING_EXPORT spawning {

/// Owns the file of a UNIX socket that this process has bound: removes it when destroyed, unless
/// another file has taken its place. The path keeps its meaning when the current directory changes.
class SocketFile {
 public:
  /// Which file it is; a value.
  struct Identity {
    std::string path{};  ///< absolute
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
  };

  /// \throws std::system_error if there is no such file.
  explicit SocketFile(const std::string& path);
  /// Goes on with a file that the program which this process ran before has owned.
  explicit SocketFile(Identity identity) : file_{std::move(identity)} {}
  SocketFile(SocketFile&& other) noexcept;
  SocketFile& operator=(SocketFile&& other) noexcept;
  ~SocketFile();

  [[nodiscard]] const Identity& identity() const { return file_; }

  /// Makes them the file's owners: who may connect depends on its permissions.
  /// \throws std::system_error if that may not be, or another file has taken its place.
  void give_to(uid_t user, gid_t group) const;

 private:
  void remove() const;

  Identity file_;  // without a path: nothing is owned
};

/// A bound and listening socket, and what ends with it.
struct ListeningSocket {
  UniqueFd fd{};
  bool inherited = false;  ///< others may go on with it, and with who waits in its backlog
  std::optional<SocketFile> file{};  ///< of a UNIX socket

  /// Lets nobody into the backlog any more who has not begun to connect, in any process that shares
  /// the socket, so that a backlog which has been emptied stays empty. A TCP client gets no answer:
  /// it tries again after a second, and is refused then, or finds whoever listens by that time. The
  /// file of a UNIX socket is removed. Does nothing to an inherited socket.
  /// \returns what went wrong; such a socket is as it was. \see socket(7), SO_ATTACH_FILTER
  [[nodiscard]] std::error_code turn_newcomers_away();
};

/// An address that cannot be listened on.
class BindError : public StartupError {
 public:
  BindError(const std::string& what, std::error_code code) : StartupError{what}, code_{code} {}

  /// What the system says about it; none if it was not asked.
  [[nodiscard]] const std::error_code& code() const { return code_; }

 private:
  std::error_code code_;
};

/// Binds and listens. The socket is close-on-exec and non-blocking; TCP sockets have SO_REUSEADDR
/// and TCP_NODELAY set (accepted connections inherit the latter). A stale socket file, one that
/// nobody listens on, is replaced; one in use is an error. An inherited descriptor is checked to be
/// a listening stream socket. \throws BindError: one line with the address and the reason (in
/// use, not ours, privileged…). \see bind(2), listen(2), unix(7)
[[nodiscard]] ListeningSocket bind_listener(const BindAddress& address, int backlog = 2048);

/// As above. \param address  as BindAddress::parse() takes it: "127.0.0.1:8000", "unix:/run/app.sock".
/// \throws StartupError if it is none.
[[nodiscard]] ListeningSocket bind_listener(std::string_view address, int backlog = 2048);

}  // namespace spawning
