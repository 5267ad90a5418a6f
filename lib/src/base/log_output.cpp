// SPDX-License-Identifier: MIT
#include "base/log_output.hpp"

#include <poll.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string>

namespace spawning {
namespace {

using Clock = std::chrono::steady_clock;

bool is_regular_file(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

bool wait_for_room(int fd, Clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    pollfd ready{fd, POLLOUT, 0};
    const int found = ::poll(&ready, 1, static_cast<int>(std::max<long>(left.count(), 0)));
    if (found >= 0 || errno != EINTR) return found == 1;
  }
}

// As write(2), but without waiting where the kernel can do that: poll(2) promises room for 4,096 octets
// in a pipe. (Linux 6.4; before, a longer line may wait for a reader that gets stuck in the middle of it.)
ssize_t write_what_fits(int fd, std::string_view octets) {
  iovec piece{const_cast<char*>(octets.data()), octets.size()};
  const ssize_t count = ::pwritev2(fd, &piece, 1, -1, RWF_NOWAIT);
  const bool cannot = count < 0 && (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL);
  return cannot ? ::write(fd, octets.data(), octets.size()) : count;
}

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

bool are_colours_wanted() {
  const char* terminal = std::getenv("TERM");
  const bool dumb = terminal != nullptr && std::string_view{terminal} == "dumb";
  return !dumb && !is_set("NO_COLOR");
}

}  // namespace

LogOutput::LogOutput(int fd) : fd_{fd}, colours_are_wanted_{are_colours_wanted()} {}

bool LogOutput::write(std::string_view line) {
  if (!torn_.exchange(false)) return write_whole(line);
  return write_whole("\n" + std::string{line});
}

bool LogOutput::write_whole(std::string_view line) {
  const bool is_file = is_regular_file(fd_);  // the descriptor may have become another one's
  const auto deadline = Clock::now() + (stuck_ ? std::chrono::milliseconds{0} : kPatience);
  for (std::string_view rest = line; !rest.empty();) {
    ssize_t count = -1;
    const bool room = is_file || (fd_ >= 0 && wait_for_room(fd_, deadline));
    if (room) {
      count = is_file ? ::write(fd_, rest.data(), rest.size()) : write_what_fits(fd_, rest);
      if (count < 0 && (errno == EINTR || errno == EAGAIN) && Clock::now() < deadline) continue;
    }
    if (count < 0) {
      stuck_ = true;
      torn_ = rest.size() < line.size();
      return false;
    }
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
  stuck_ = false;
  return true;
}

bool LogOutput::shows_colours() const { return colours_are_wanted_ && ::isatty(fd_) == 1; }

}  // namespace spawning
