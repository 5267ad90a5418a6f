// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Sockets for tests: on free ports, or as pairs.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <utility>

#include "spawning/asio.hpp"
#include "spawning/error.hpp"
#include "spawning/unique_fd.hpp"

namespace spawning::test {

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// A listening TCP socket and its port.
inline std::pair<UniqueFd, std::uint16_t> listen_on_loopback() {
  UniqueFd socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      ::listen(socket.get(), 128) != 0 ||
      ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    throw_last_error("listening on a loopback port");
  }
  return {std::move(socket), ntohs(address.sin_port)};
}

/// A connected, blocking client socket.
inline UniqueFd connect_to(std::uint16_t port) {
  UniqueFd socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const sockaddr_in address = loopback(port);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw_last_error("connecting to a loopback port");
  }
  return socket;
}

/// Both ends of a UNIX stream connection.
inline std::pair<UniqueFd, UniqueFd> make_socketpair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    throw_last_error("socketpair");
  }
  return {UniqueFd{ends[0]}, UniqueFd{ends[1]}};
}

/// Both ends of a TCP connection over loopback.
inline std::pair<UniqueFd, UniqueFd> make_tcp_pair() {
  auto [listening, port] = listen_on_loopback();
  UniqueFd client = connect_to(port);
  UniqueFd server{::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC)};
  if (!server) throw_last_error("accept4");
  return {std::move(client), std::move(server)};
}

/// Runs what is ready to run, and no more.
inline void run_ready(IoContext& context) {
  context.restart();
  context.poll();
}

}  // namespace spawning::test
