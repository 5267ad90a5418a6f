// SPDX-License-Identifier: MIT
#include "spawning/listening_socket.hpp"

#include <fcntl.h>
#include <linux/filter.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <utility>

#include "spawning/error.hpp"

namespace spawning {
namespace {

constexpr int kSocketFlags = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
constexpr std::uint16_t kFirstUnprivilegedPort = 1024;

[[noreturn]] void refuse(const BindAddress& address, std::string_view reason, int error = 0) {
  const std::string what = "cannot bind " + address.to_string() + ": " + std::string{reason};
  throw BindError{what, {error, std::system_category()}};
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
  refuse(address, reason_for(address, error), error);
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
    refuse(address, "the socket is in use", EADDRINUSE);
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
  if (error != 0) refuse(address, reason_for(address, error), error);
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

// Drops segments that would begin a connection, and no others: connections that have begun are
// established. A filter on a TCP socket sees segments from their TCP header on.
std::error_code drop_first_segments(int fd) {
  constexpr std::uint32_t kFlags = 13;  // the octet with them
  constexpr std::uint32_t kSyn = 0x02;
  constexpr std::uint32_t kAck = 0x10;
  constexpr std::uint32_t kWhole = 0xffffffff;
  std::array<sock_filter, 5> program{{
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kFlags),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, kSyn | kAck),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kSyn, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0),
      BPF_STMT(BPF_RET | BPF_K, kWhole),
  }};
  const sock_fprog filter{program.size(), program.data()};
  const int result = ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
  return result == 0 ? std::error_code{} : last_error();
}

}  // namespace

ListeningSocket bind_listener(const BindAddress& address, int backlog) {
  switch (address.kind) {
    case BindAddress::Kind::unix_path:
      return {.fd = listen_on_path(address, backlog), .file = SocketFile{address.host}};
    case BindAddress::Kind::inherited:
      return {.fd = adopt_inherited(address), .inherited = true};
    case BindAddress::Kind::host_port:
      break;
  }
  return {.fd = listen_on_internet(address, backlog)};
}

ListeningSocket bind_listener(std::string_view address, int backlog) {
  return bind_listener(BindAddress::parse(address), backlog);
}

std::error_code ListeningSocket::turn_newcomers_away() {
  if (inherited) return {};
  if (Address::local(fd.get()).family == Address::Family::unix_path) {
    file.reset();
    return {};
  }
  return drop_first_segments(fd.get());
}

SocketFile::SocketFile(const std::string& path) : file_{.path = std::filesystem::absolute(path)} {
  struct stat status {};
  if (::lstat(file_.path.c_str(), &status) != 0) throw_last_error(file_.path);
  file_.device = status.st_dev;
  file_.inode = status.st_ino;
}

SocketFile::SocketFile(SocketFile&& other) noexcept : file_{std::exchange(other.file_, {})} {}

SocketFile& SocketFile::operator=(SocketFile&& other) noexcept {
  if (this == &other) return *this;
  remove();
  file_ = std::exchange(other.file_, {});
  return *this;
}

SocketFile::~SocketFile() { remove(); }

// By a descriptor, so that nobody can put another file in its place meanwhile.
void SocketFile::give_to(uid_t user, gid_t group) const {
  const UniqueFd file{::open(file_.path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) throw_last_error(file_.path);
  if (status.st_dev != file_.device || status.st_ino != file_.inode || !S_ISSOCK(status.st_mode))
    throw std::system_error{ESTALE, std::system_category(), file_.path};
  if (::fchownat(file.get(), "", user, group, AT_EMPTY_PATH) != 0) throw_last_error(file_.path);
}

void SocketFile::remove() const {
  struct stat status {};
  if (file_.path.empty() || ::lstat(file_.path.c_str(), &status) != 0) return;
  if (status.st_dev != file_.device || status.st_ino != file_.inode) return;
  [[maybe_unused]] const int ignored = ::unlink(file_.path.c_str());
}

}  // namespace spawning
