// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Descriptors over UNIX sockets, as a program sends them that is none of ours.

#include <sys/socket.h>

#include <array>
#include <cstring>
#include <string>

#include "spawning/error.hpp"

namespace spawning::test {

/// One sendmsg(2). \throws std::system_error if not all of it goes.
inline void send_with_descriptor(int socket, std::string octets, int fd) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof fd)> control{};
  iovec piece{octets.data(), octets.size()};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  cmsghdr* rights = CMSG_FIRSTHDR(&header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof fd);
  std::memcpy(CMSG_DATA(rights), &fd, sizeof fd);
  if (::sendmsg(socket, &header, 0) != static_cast<ssize_t>(octets.size()))
    throw_last_error("sendmsg");
}

}  // namespace spawning::test
