// SPDX-License-Identifier: MIT
#include "spawning/unique_fd.hpp"

#include <unistd.h>

namespace spawning {

void UniqueFd::reset(int fd) noexcept {
  // close(2) frees the descriptor even when it reports an error; there is nothing to retry.
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

}  // namespace spawning
