// SPDX-License-Identifier: MIT
#include "top/whole_write.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "spawning/error.hpp"

namespace spawning {

std::error_code whole_write(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd writable{fd, POLLOUT, 0};
      ::poll(&writable, 1, -1);
    } else if (errno != EINTR) {
      return last_error();
    }
  }
  return {};
}

}  // namespace spawning
