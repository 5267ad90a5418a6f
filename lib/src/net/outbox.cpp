// SPDX-License-Identifier: MIT
#include "net/outbox.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace spawning {
namespace {

// Octets that the socket took: 0 if its buffer is full, -1 if the connection is broken.
ssize_t send_now(int fd, std::span<iovec> pieces) {
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = pieces.size();
  for (;;) {
    const ssize_t sent = ::sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) return sent;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return 0;
    if (errno != EINTR) return -1;
  }
}

std::size_t total(std::span<iovec> pieces) {
  std::size_t sum = 0;
  for (const auto& piece : pieces) sum += piece.iov_len;
  return sum;
}

}  // namespace

Outbox::Outbox(int fd, std::size_t unsent_high, IoThread& io)
    : fd_{fd}, unsent_high_{unsent_high}, io_{io} {}

WriteStatus Outbox::send(std::span<iovec> pieces) {
  const std::lock_guard lock{mutex_};
  if (gone_) return WriteStatus::gone;
  std::size_t sent = 0;
  if (unsent() == 0) {
    const ssize_t result = send_now(fd_, pieces);
    if (result < 0) {
      io_.post_close();
      gone_ = true;
      return WriteStatus::gone;
    }
    sent = static_cast<std::size_t>(result);
    if (sent == total(pieces)) return WriteStatus::ok;
    io_.post_flush();
  }
  queue_rest(pieces, sent);
  return unsent() > unsent_high_ ? WriteStatus::full : WriteStatus::ok;
}

void Outbox::queue_rest(std::span<iovec> pieces, std::size_t sent) {
  for (const auto& piece : pieces) {
    const std::size_t passed = std::min(sent, piece.iov_len);
    queued_.append(static_cast<const char*>(piece.iov_base) + passed, piece.iov_len - passed);
    sent -= passed;
  }
}

bool Outbox::wait_writable() {
  std::unique_lock lock{mutex_};
  writable_.wait(lock, [this] { return gone_ || unsent() <= unsent_high_ / 2; });
  return !gone_;
}

void Outbox::when_writable(std::function<void()> resume) {
  const std::lock_guard lock{mutex_};
  resume_ = std::move(resume);
  // The I/O thread calls it: at its next flush, or at this one if nothing is queued any more.
  if (gone_) {
    io_.post_close();
  } else if (unsent() <= unsent_high_ / 2) {
    io_.post_flush();
  }
}

bool Outbox::gone() const {
  const std::lock_guard lock{mutex_};
  return gone_;
}

bool Outbox::empty() const {
  const std::lock_guard lock{mutex_};
  return unsent() == 0;
}

Outbox::Flush Outbox::flush(bool& progress) {
  progress = false;
  std::function<void()> resume;
  auto status = Flush::empty;
  {
    const std::lock_guard lock{mutex_};
    if (gone_) return Flush::failed;
    while (unsent() > 0) {
      iovec rest{queued_.data() + offset_, unsent()};
      const ssize_t sent = send_now(fd_, {&rest, 1});
      if (sent < 0) return Flush::failed;
      if (sent == 0) {
        status = Flush::blocked;
        break;
      }
      progress = true;
      offset_ += static_cast<std::size_t>(sent);
    }
    if (status == Flush::empty) {
      queued_.clear();
      offset_ = 0;
      // A response that a slow client had queued should not cost its memory for the connection's
      // life.
      if (queued_.capacity() > unsent_high_ / 4) queued_.shrink_to_fit();
    } else if (offset_ > queued_.size() / 2) {
      queued_.erase(0, offset_);
      offset_ = 0;
    }
    if (unsent() <= unsent_high_ / 2) resume = wake_waiters();
  }
  if (resume) resume();
  return status;
}

void Outbox::release_memory() {
  const std::lock_guard lock{mutex_};
  if (unsent() == 0) std::string{}.swap(queued_);
}

void Outbox::mark_gone() {
  std::function<void()> resume;
  {
    const std::lock_guard lock{mutex_};
    gone_ = true;
    std::string{}.swap(queued_);
    offset_ = 0;
    resume = wake_waiters();
  }
  if (resume) resume();
}

std::function<void()> Outbox::wake_waiters() {
  writable_.notify_all();
  return std::exchange(resume_, nullptr);
}

}  // namespace spawning
