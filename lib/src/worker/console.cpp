// SPDX-License-Identifier: MIT
#include "worker/console.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "spawning/error.hpp"

namespace spawning {
namespace {

constexpr int kExhaustionPause = 100;  // ms

}  // namespace

Console::Console(UniqueFd socket)
    : socket_{std::move(socket)}, changed_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {
  if (!changed_) throw_last_error("eventfd");
}

void Console::open() {
  const std::lock_guard lock{mutex_};
  open_ = true;
  [[maybe_unused]] const int ignored = ::eventfd_write(changed_.get(), 1);  // cannot overflow
}

void Console::close() {
  const std::lock_guard lock{mutex_};
  closed_ = true;
  [[maybe_unused]] const int ignored = ::eventfd_write(changed_.get(), 1);
}

bool Console::wait() {
  for (;;) {
    std::array<pollfd, 2> watched{{{changed_.get(), POLLIN, 0}, {-1, POLLIN, 0}}};
    int timeout = -1;
    {
      const std::lock_guard lock{mutex_};
      if (!socket_ || closed_) return false;
      if (std::exchange(exhausted_, false)) {
        timeout = kExhaustionPause;
      } else if (open_) {
        watched[1].fd = socket_.get();
      }
    }
    if (::poll(watched.data(), watched.size(), timeout) < 0) continue;  // a signal
    eventfd_t unused = 0;
    if (watched[0].revents != 0) {
      ::eventfd_read(changed_.get(), &unused);
    } else if (watched[1].revents != 0) {
      return true;
    }
  }
}

UniqueFd Console::accept() {
  const std::lock_guard lock{mutex_};
  if (!socket_ || !open_ || closed_) return {};
  UniqueFd client{::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
  exhausted_ = !client && errno != EAGAIN && errno != ECONNABORTED && errno != EINTR;
  return client;
}

}  // namespace spawning
