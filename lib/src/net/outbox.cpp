// SPDX-License-Identifier: MIT
#include "net/outbox.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace spawning {
namespace {

// Octets that the socket took: 0 if its buffer is full, -1 if the connection is broken.
ssize_t send_now(int fd, std::span<iovec> pieces, int flags) {
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = pieces.size();
  for (;;) {
    const ssize_t sent = ::sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL | flags);
    if (sent >= 0) return sent;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return 0;
    if (errno != EINTR) return -1;
  }
}

std::string_view octets_of(const iovec& piece) {
  return {static_cast<const char*>(piece.iov_base), piece.iov_len};
}

std::size_t size_of(std::span<const iovec> pieces) {
  std::size_t size = 0;
  for (const auto& piece : pieces) size += piece.iov_len;
  return size;
}

// More is sent by whoever writes it: it would only be copied.
constexpr std::size_t kMostPostponed = 64 << 10;

// Room for blocks that follow each other, so that not each of them needs more.
constexpr std::size_t kMoreToCome = 16 << 10;

// Room for a dozen small responses, of which those that follow go with the first.
constexpr std::size_t kUsuallyKept = 4 << 10;

}  // namespace

WriteStatus Outbox::send(std::span<iovec> pieces, When when) {
  const std::lock_guard lock{mutex_};
  if (gone()) return WriteStatus::gone;
  const std::size_t size = size_of(pieces);
  if (when == When::with_next && kept_ + size > kMostKept) when = When::now;
  const bool joins = postponed_ || (when != When::now && unsent_.empty());
  bool here = true;
  if (joins && size <= kMostPostponed && unsent_.stays_in_memory(size)) {
    postpone(pieces, size, when);
    if (when == When::now) here = send_postponed();
  } else {
    here = send_postponed() && send_pieces(pieces, 0);
  }
  if (!here) return WriteStatus::gone;
  note_length();
  return unsent_.empty() || !unsent_.congested() ? WriteStatus::ok : WriteStatus::full;
}

void Outbox::postpone(std::span<iovec> pieces, std::size_t size, When when) {
  const bool flushed_soon = postponed_ && kept_ == 0;
  const bool keeps = when == When::with_next && !flushed_soon;
  unsent_.expect(flushed_soon ? kMoreToCome : keeps ? std::max(size, kUsuallyKept) : size);
  for (const auto& piece : pieces) unsent_.push(octets_of(piece));
  postponed_ = true;
  if (keeps && kept_ == 0) io_.post_kept();
  if (when == When::soon && !flushed_soon) io_.post_flush();
  kept_ = keeps ? kept_ + size : 0;
}

bool Outbox::send_postponed() {
  kept_ = 0;
  return !std::exchange(postponed_, false) || send_queue();
}

bool Outbox::send_pieces(std::span<iovec> pieces, int flags) {
  const bool was_empty = unsent_.empty();
  std::size_t sent = 0;
  if (was_empty) {
    const ssize_t result = send_now(fd_, pieces, flags);
    if (result < 0) return lose();
    sent = static_cast<std::size_t>(result);
  }
  for (const auto& piece : pieces) {
    const std::size_t passed = std::min(sent, piece.iov_len);
    sent -= passed;
    if (passed < piece.iov_len) unsent_.push(octets_of(piece).substr(passed));
  }
  if (was_empty && !unsent_.empty()) io_.post_flush();
  return true;
}

bool Outbox::send_queue() {
  bool progress = false;
  const auto sent = unsent_.send(fd_, progress);
  if (sent == UnsentQueue::Sent::failed) return lose();
  if (sent == UnsentQueue::Sent::some) io_.post_flush();
  return true;
}

bool Outbox::lose() {
  io_.post_close();
  gone_.store(true, std::memory_order_release);
  return false;
}

WriteStatus Outbox::send_file(std::span<iovec> before, FilePart part, std::string_view after) {
  const std::lock_guard lock{mutex_};
  if (gone()) return WriteStatus::gone;
  // More follows at once: the head shall not go out in a packet of its own.
  const bool alone = part.length == 0 && after.empty();
  if (!send_postponed() || !send_pieces(before, alone ? 0 : MSG_MORE)) return WriteStatus::gone;
  const bool was_empty = unsent_.empty();
  unsent_.push_file(std::move(part.file), part.offset, part.length);
  unsent_.push(after);
  const bool here = !was_empty || send_queue();
  note_length();
  if (!here) return WriteStatus::gone;
  return !was_empty && unsent_.congested() ? WriteStatus::full : WriteStatus::ok;
}

bool Outbox::wait_writable() {
  std::unique_lock lock{mutex_};
  writable_.wait(lock, [this] { return gone() || !unsent_.congested(); });
  return !gone();
}

void Outbox::when_writable(std::function<void()> resume) {
  const std::lock_guard lock{mutex_};
  resume_ = std::move(resume);
  // The I/O thread calls it: at its next flush, or at this one if little is queued.
  if (gone()) {
    io_.post_close();
  } else if (!unsent_.congested()) {
    io_.post_flush();
  }
}

std::size_t Outbox::kept() const {
  const std::lock_guard lock{mutex_};
  return kept_;
}

void Outbox::send_kept() {
  const std::lock_guard lock{mutex_};
  if (!send_postponed()) return;  // who is told closes the connection
}

bool Outbox::empty() const {
  const std::lock_guard lock{mutex_};
  return unsent_.empty();
}

Outbox::Flush Outbox::flush(bool& progress) {
  progress = false;
  std::function<void()> resume;
  auto status = Flush::empty;
  {
    const std::lock_guard lock{mutex_};
    if (gone()) return Flush::failed;
    postponed_ = false;
    kept_ = 0;
    const auto sent = unsent_.send(fd_, progress);
    if (sent == UnsentQueue::Sent::failed) return Flush::failed;
    note_length();
    if (sent == UnsentQueue::Sent::some) status = Flush::blocked;
    if (!unsent_.congested()) resume = wake_waiters();
  }
  if (resume) resume();
  return status;
}

void Outbox::resume() {
  std::function<void()> resume;
  {
    const std::lock_guard lock{mutex_};
    if (!unsent_.congested()) resume = wake_waiters();
  }
  if (resume) resume();
}

void Outbox::mark_gone() {
  std::function<void()> resume;
  {
    const std::lock_guard lock{mutex_};
    gone_.store(true, std::memory_order_release);
    unsent_.clear();
    postponed_ = false;
    kept_ = 0;
    resume = wake_waiters();
  }
  if (resume) resume();
}

std::function<void()> Outbox::wake_waiters() {
  writable_.notify_all();
  return std::exchange(resume_, nullptr);
}

}  // namespace spawning
