// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

#include "spawning/address.hpp"
#include "spawning/error.hpp"

namespace spawning {
namespace {

constexpr int kSocketFlags = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
constexpr std::uint16_t kFirstUnprivilegedPort = 1024;

[[noreturn]] void refuse(const BindAddress& address, std::string_view reason) {
  throw StartupError{"cannot bind " + address.to_string() + ": " + std::string{reason}};
}

std::string reason_for(const BindAddress& address, int error) {
  const bool internet = address.kind == BindAddress::Kind::host_port;
  if (error == EADDRINUSE) return internet ? "the port is in use" : "the socket is in use";
  if (error == EADDRNOTAVAIL) return "the address is not one of this machine's";
  if (error == EACCES && internet && address.port < kFirstUnprivilegedPort) {
    return "the port is privileged; those below 1024 need root or CAP_NET_BIND_SERVICE";
  }
  return std::system_category().message(error);
}

void set_option(int fd, int level, int name) {
  const int on = 1;
  if (::setsockopt(fd, level, name, &on, sizeof on) != 0) throw_last_error("setsockopt");
}

// bind and listen; both can find the address in use. 0 or errno.
int try_listen(int fd, const sockaddr* address, socklen_t length, int backlog) {
  if (::bind(fd, address, length) != 0) return errno;
  return ::listen(fd, backlog) == 0 ? 0 : errno;
}

UniqueFd listen_on_internet(const BindAddress& address, int backlog) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(address.port);
  const int lookup = ::getaddrinfo(address.host.c_str(), port.c_str(), &hints, &found);
  if (lookup != 0)
    refuse(address, "unknown host name (" + std::string{::gai_strerror(lookup)} + ")");
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner{found, &::freeaddrinfo};

  int error = EADDRNOTAVAIL;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    UniqueFd socket{::socket(each->ai_family, kSocketFlags, each->ai_protocol)};
    if (!socket) {
      error = errno;
      continue;
    }
    set_option(socket.get(), SOL_SOCKET, SO_REUSEADDR);
    set_option(socket.get(), IPPROTO_TCP, TCP_NODELAY);
    error = try_listen(socket.get(), each->ai_addr, each->ai_addrlen, backlog);
    if (error == 0) return socket;
    // A name may have addresses that this machine does not, as ::1 of "localhost" without IPv6.
    if (error != EADDRNOTAVAIL && error != EAFNOSUPPORT) break;
  }
  refuse(address, reason_for(address, error));
}

sockaddr_un native_path(const BindAddress& address) {
  sockaddr_un native{};
  native.sun_family = AF_UNIX;
  if (address.host.size() >= sizeof native.sun_path) {
    refuse(address, "the path is too long; at most " + std::to_string(sizeof native.sun_path - 1) +
                        " octets");
  }
  std::memcpy(native.sun_path, address.host.c_str(), address.host.size() + 1);
  return native;
}

// Removes a socket file that nobody listens on any more. Anything else at that path stays.
void remove_stale_socket(const BindAddress& address, const sockaddr_un& native) {
  struct stat status {};
  if (::lstat(native.sun_path, &status) != 0)
    return;  // nothing there; bind says what else is wrong
  if (!S_ISSOCK(status.st_mode)) refuse(address, "the file exists and is not a socket");
  const UniqueFd probe{::socket(AF_UNIX, kSocketFlags, 0)};
  if (!probe) throw_last_error("socket");
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&native), sizeof native) == 0 ||
      errno == EAGAIN) {
    refuse(address, "the socket is in use");
  }
  if (errno != ECONNREFUSED) refuse(address, std::system_category().message(errno));
  if (::unlink(native.sun_path) != 0)
    refuse(address, "cannot replace the stale socket: " + last_error().message());
}

UniqueFd listen_on_path(const BindAddress& address, int backlog) {
  const sockaddr_un native = native_path(address);
  remove_stale_socket(address, native);
  UniqueFd socket{::socket(AF_UNIX, kSocketFlags, 0)};
  if (!socket) throw_last_error("socket");
  const int error =
      try_listen(socket.get(), reinterpret_cast<const sockaddr*>(&native), sizeof native, backlog);
  if (error != 0) refuse(address, reason_for(address, error));
  return socket;
}

int integer_option(int fd, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

UniqueFd adopt_inherited(const BindAddress& address) {
  const int flags = ::fcntl(address.fd, F_GETFL);
  if (flags < 0) refuse(address, "the descriptor is not open");
  if (integer_option(address.fd, SO_ACCEPTCONN) != 1 ||
      integer_option(address.fd, SO_TYPE) != SOCK_STREAM) {
    refuse(address, "the descriptor is not a listening stream socket");
  }
  if (::fcntl(address.fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
      ::fcntl(address.fd, F_SETFD, FD_CLOEXEC) != 0) {
    throw_last_error("fcntl");
  }
  const auto family = Address::local(address.fd).family;
  if (family != Address::Family::unix_path) set_option(address.fd, IPPROTO_TCP, TCP_NODELAY);
  return UniqueFd{address.fd};
}

}  // namespace

UniqueFd bind_listener(const BindAddress& address, int backlog) {
  switch (address.kind) {
    case BindAddress::Kind::unix_path:
      return listen_on_path(address, backlog);
    case BindAddress::Kind::inherited:
      return adopt_inherited(address);
    case BindAddress::Kind::host_port:
      break;
  }
  return listen_on_internet(address, backlog);
}

SocketFile::SocketFile(const std::string& path) : path_{std::filesystem::absolute(path)} {
  struct stat status {};
  if (::lstat(path_.c_str(), &status) != 0) throw_last_error(path_);
  device_ = status.st_dev;
  inode_ = status.st_ino;
}

SocketFile::SocketFile(SocketFile&& other) noexcept
    : path_{std::exchange(other.path_, {})}, device_{other.device_}, inode_{other.inode_} {}

SocketFile::~SocketFile() {
  struct stat status {};
  if (path_.empty() || ::lstat(path_.c_str(), &status) != 0) return;
  if (status.st_dev != device_ || status.st_ino != inode_) return;
  [[maybe_unused]] const int ignored = ::unlink(path_.c_str());
}

}  // namespace spawning
