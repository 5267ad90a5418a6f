// SPDX-License-Identifier: MIT
#include "net/unsent_queue.hpp"

#include <pthread.h>
#include <signal.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/spool_file.hpp"

namespace spawning {
namespace {

// Of files in one turn: a client that reads as fast as the disk must not keep the others waiting.
constexpr std::uint64_t kSlice = 1 << 20;

enum class Step { went_on, blocked, failed };

Step step_of(ssize_t sent) {
  if (sent > 0) return Step::went_on;
  return sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? Step::blocked : Step::failed;
}

ssize_t send_octets(int socket, std::string_view octets) {
  for (;;) {
    const ssize_t sent = ::send(socket, octets.data(), octets.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0 || errno != EINTR) return sent;
  }
}

// For file systems without sendfile(2).
ssize_t copy_file(int socket, int file, std::uint64_t offset, std::size_t count) {
  std::array<char, 64 << 10> block;
  const ssize_t got =
      ::pread(file, block.data(), std::min(count, block.size()), static_cast<off_t>(offset));
  if (got > 0) return send_octets(socket, {block.data(), static_cast<std::size_t>(got)});
  errno = EIO;
  return -1;
}

// sendfile(2) has no MSG_NOSIGNAL. Blocks SIGPIPE on this thread and takes back the one that it may
// have caused.
class WithoutSigpipe {
 public:
  WithoutSigpipe() {
    ::sigemptyset(&pipe_);
    ::sigaddset(&pipe_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~WithoutSigpipe() {
    const int error = errno;
    const timespec at_once{};
    if (error == EPIPE && ::sigismember(&before_, SIGPIPE) == 0)
      ::sigtimedwait(&pipe_, nullptr, &at_once);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = error;
  }

  WithoutSigpipe(const WithoutSigpipe&) = delete;
  WithoutSigpipe& operator=(const WithoutSigpipe&) = delete;

 private:
  sigset_t pipe_{}, before_{};
};

// 0: the file ends before.
ssize_t send_file(int socket, int file, std::uint64_t offset, std::size_t count) {
  const WithoutSigpipe guard;
  for (;;) {
    auto position = static_cast<off_t>(offset);
    const ssize_t sent = ::sendfile(socket, file, &position, count);
    if (sent >= 0) return sent;
    if (errno == EINVAL || errno == ENOSYS) return copy_file(socket, file, offset, count);
    if (errno != EINTR) return sent;
  }
}

bool write_at(int file, std::string_view octets, std::uint64_t offset) {
  while (!octets.empty()) {
    const ssize_t written =
        ::pwrite(file, octets.data(), octets.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    offset += static_cast<std::uint64_t>(written);
    octets.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

bool UnsentQueue::congested() {
  const bool crowded = cannot_spool_ || spooled_.load(std::memory_order_relaxed) > limits_.spooled;
  const std::uint64_t high = crowded ? limits_.in_memory : limits_.high;
  congested_ = unsent_ > (congested_ ? high / 2 : high);
  return congested_;
}

void UnsentQueue::push(std::string_view octets) {
  if (octets.empty()) return;
  const bool behind_spool = !parts_.empty() && parts_.back().spool;
  if ((behind_spool || unsent_ + octets.size() > limits_.in_memory) && spool(octets)) return;
  if (parts_.empty() || parts_.back().file) parts_.emplace_back();
  parts_.back().octets += octets;
  unsent_ += octets.size();
}

void UnsentQueue::expect(std::size_t octets) {
  if (parts_.empty() || parts_.back().file) parts_.emplace_back();
  parts_.back().octets.reserve(octets);
}

void UnsentQueue::push_file(UniqueFd file, std::uint64_t offset, std::uint64_t length) {
  if (length == 0) return;
  parts_.push_back({{}, std::move(file), offset, length, false});
  ++files_;
}

// The last part, if octets can be added to its spool file. What has been sent stays in the file,
// so one that is long by now is not used further.
UnsentQueue::Part* UnsentQueue::spool_part(std::size_t room) {
  if (!parts_.empty() && parts_.back().spool) {
    Part& last = parts_.back();
    if (last.offset + last.remaining + room <= std::max<std::uint64_t>(limits_.high, room))
      return &last;
  }
  try {
    parts_.push_back({{}, open_spool_file(), 0, 0, true});
    return &parts_.back();
  } catch (const std::system_error&) {
    return nullptr;
  }
}

bool UnsentQueue::spool(std::string_view octets) {
  if (cannot_spool_) return false;
  Part* const part = spool_part(octets.size());
  if (part == nullptr || !write_at(part->file.get(), octets, part->offset + part->remaining)) {
    if (part != nullptr && part->remaining == 0) parts_.pop_back();
    cannot_spool_ = true;  // until the queue is empty: what follows must stay behind this
    return false;
  }
  part->remaining += octets.size();
  unsent_ += octets.size();
  spooled_.fetch_add(octets.size(), std::memory_order_relaxed);
  return true;
}

UnsentQueue::Sent UnsentQueue::send(int socket, bool& progress) {
  std::uint64_t of_files = 0;
  while (!parts_.empty()) {
    Part& part = parts_.front();
    if (of_files >= kSlice) return Sent::some;
    const ssize_t sent =
        part.file ? send_file(socket, part.file.get(), part.offset,
                              static_cast<std::size_t>(std::min(part.remaining, kSlice - of_files)))
                  : send_octets(socket, std::string_view{part.octets}.substr(
                                            static_cast<std::size_t>(part.offset)));
    switch (step_of(sent)) {
      case Step::blocked:
        return Sent::some;
      case Step::failed:
        return Sent::failed;
      case Step::went_on:
        break;
    }
    progress = true;
    if (part.file) of_files += static_cast<std::uint64_t>(sent);
    account(part, static_cast<std::uint64_t>(sent));
  }
  return Sent::all;
}

void UnsentQueue::account(Part& part, std::uint64_t sent) {
  part.offset += sent;
  if (part.file) {
    part.remaining -= sent;
    if (part.spool) {
      unsent_ -= sent;
      spooled_.fetch_sub(sent, std::memory_order_relaxed);
    }
    if (part.remaining == 0) drop_first();
    return;
  }
  unsent_ -= sent;
  if (part.offset == part.octets.size()) return drop_first();
  if (part.offset > part.octets.size() / 2) {
    part.octets.erase(0, static_cast<std::size_t>(part.offset));
    part.offset = 0;
  }
}

void UnsentQueue::drop_first() {
  if (parts_.front().file && !parts_.front().spool) --files_;
  parts_.erase(parts_.begin());
  if (!parts_.empty()) return;
  cannot_spool_ = false;
  std::vector<Part>{}.swap(parts_);
}

void UnsentQueue::clear() {
  for (const Part& part : parts_) {
    if (part.spool) spooled_.fetch_sub(part.remaining, std::memory_order_relaxed);
  }
  std::vector<Part>{}.swap(parts_);
  unsent_ = 0;
  files_ = 0;
  congested_ = cannot_spool_ = false;
}

}  // namespace spawning
