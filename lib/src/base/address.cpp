// SPDX-License-Identifier: MIT
#include "spawning/address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <optional>

#include "spawning/error.hpp"

namespace spawning {
namespace {

template <typename Native>
Address from_internet(const sockaddr& address, Address::Family family, int native_family) {
  Native native{};
  std::memcpy(&native, &address, sizeof native);
  std::array<char, INET6_ADDRSTRLEN> text{};
  if constexpr (std::is_same_v<Native, sockaddr_in>) {
    ::inet_ntop(native_family, &native.sin_addr, text.data(), text.size());
    return {family, ntohs(native.sin_port), text.data()};
  } else {
    ::inet_ntop(native_family, &native.sin6_addr, text.data(), text.size());
    return {family, ntohs(native.sin6_port), text.data()};
  }
}

Address from_unix(const sockaddr& address, unsigned length) {
  constexpr std::size_t kPath = offsetof(sockaddr_un, sun_path);
  if (length <= kPath) return {Address::Family::unix_path, 0, ""};
  std::string path(reinterpret_cast<const char*>(&address) + kPath, length - kPath);
  if (path.front() == '\0') {
    path.front() = '@';  // an abstract name, as ss(8) prints it
  } else {
    path.resize(std::strlen(path.c_str()));
  }
  return {Address::Family::unix_path, 0, std::move(path)};
}

template <typename Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string with_port(std::string_view host, std::uint16_t port) {
  const bool brackets = host.find(':') != std::string_view::npos;
  std::string text = brackets ? "[" + std::string{host} + "]" : std::string{host};
  return text + ":" + std::to_string(port);
}

[[noreturn]] void throw_expected(std::string_view text) {
  throw StartupError{"\"" + std::string{text} +
                     "\" is no address; expected HOST:PORT, [IPV6]:PORT, unix:PATH or fd://N"};
}

BindAddress parse_host_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) throw_expected(text);
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    in6_addr unused{};
    if (::inet_pton(AF_INET6, std::string{host}.c_str(), &unused) != 1) throw_expected(text);
  } else if (host.find_first_of(":[]") != std::string_view::npos) {
    throw_expected(text);
  }
  const auto port = number<std::uint16_t>(text.substr(colon + 1));
  if (!port) throw_expected(text);
  BindAddress address;
  address.host = host;
  address.port = *port;
  return address;
}

template <typename Call>
std::optional<Address> name_of(int fd, Call call) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (call(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return std::nullopt;
  return Address::from(reinterpret_cast<const sockaddr&>(storage), length);
}

}  // namespace

Address Address::from(const sockaddr& address, unsigned length) {
  switch (address.sa_family) {
    case AF_INET:
      return from_internet<sockaddr_in>(address, Family::ipv4, AF_INET);
    case AF_INET6:
      return from_internet<sockaddr_in6>(address, Family::ipv6, AF_INET6);
    case AF_UNIX:
      return from_unix(address, length);
    default:
      return {};
  }
}

Address Address::local(int fd) {
  auto address = name_of(fd, ::getsockname);
  if (!address) throw_last_error("getsockname");
  return std::move(*address);
}

Address Address::peer(int fd) { return name_of(fd, ::getpeername).value_or(Address{}); }

std::string Address::to_string() const {
  if (family == Family::none) return "unknown";
  return family == Family::unix_path ? "unix:" + host : with_port(host, port);
}

std::string Address::url() const {
  if (family == Family::unix_path || family == Family::none) return to_string();
  // "Any address" is nothing that a browser can open; this machine is reachable by it.
  if (host == "0.0.0.0") return "http://" + with_port("127.0.0.1", port) + "/";
  if (host == "::") return "http://" + with_port("::1", port) + "/";
  return "http://" + with_port(host, port) + "/";
}

BindAddress BindAddress::parse(std::string_view text) {
  BindAddress address;
  if (text.starts_with("unix:")) {
    address.kind = Kind::unix_path;
    address.host = text.substr(5);
    if (address.host.empty()) throw_expected(text);
    return address;
  }
  if (text.starts_with("fd://")) {
    const auto fd = number<int>(text.substr(5));
    if (!fd || *fd < 0) throw_expected(text);
    address.kind = Kind::inherited;
    address.fd = *fd;
    return address;
  }
  return parse_host_port(text);
}

std::string BindAddress::to_string() const {
  switch (kind) {
    case Kind::unix_path:
      return "unix:" + host;
    case Kind::inherited:
      return "fd://" + std::to_string(fd);
    case Kind::host_port:
      break;
  }
  return with_port(host, port);
}

}  // namespace spawning
