// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The sending side of a connection, used by the thread that answers and by the I/O thread.

#include <sys/uio.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string_view>

#include "net/unsent_queue.hpp"
#include "spawning/exchange.hpp"

namespace spawning {

/// Sends octets straight from the answering thread while the socket takes them, which saves the hop
/// to the I/O thread, and queues the rest, which the I/O thread sends as the client reads. What may be
/// sent soon instead of now, it sends together with what is queued by then; what may be sent with
/// the next, it keeps until that is sent, or until flush().
///
/// \par Threads   send(), send_file(), wait_writable(), when_writable() and gone(): any. The rest:
///                the I/O thread.
/// \par Lifetime  Borrows the descriptor, which is non-blocking, until mark_gone(), after which it is
///                never touched again.
class Outbox {
 public:
  /// What the Outbox needs of the I/O thread. Called on any thread, with the Outbox locked.
  class IoThread {
   public:
    virtual ~IoThread() = default;
    virtual void post_flush() = 0;  ///< octets are queued: call flush() when the socket is writable
    virtual void post_close() = 0;  ///< sending failed: the client is gone
    virtual void post_kept() = 0;   ///< the first octets are kept for the next ones: see kept()
  };

  /// A part of a file.
  struct FilePart {
    UniqueFd file;
    std::uint64_t offset;
    std::uint64_t length;
  };

  Outbox(int fd, const UnsentLimits& limits, std::atomic<std::uint64_t>& spooled, IoThread& io)
      : fd_{fd}, io_{io}, unsent_{limits, spooled} {}

  enum class When : std::uint8_t { now, soon, with_next };

  /// No more than this is kept for the next octets.
  static constexpr std::size_t kMostKept = 16 << 10;

  /// Sends or queues all of it, without waiting.
  WriteStatus send(std::span<iovec> pieces, When when = When::now);

  /// Sends or queues `before`, the part of a file, and `after`.
  WriteStatus send_file(std::span<iovec> before, FilePart part, std::string_view after);

  /// Waits until little is unsent. False if the client is gone.
  [[nodiscard]] bool wait_writable();

  /// Calls `resume` once, on the I/O thread, when little is unsent or the client is gone.
  void when_writable(std::function<void()> resume);

  [[nodiscard]] bool gone() const { return gone_.load(std::memory_order_acquire); }

  enum class Flush { empty, blocked, failed };

  /// Sends what is queued, as far as the socket takes it.
  /// \param progress  set to whether it took anything.
  [[nodiscard]] Flush flush(bool& progress);

  /// Resumes whoever waits although little is unsent.
  void resume();

  /// Octets that are here only because they may go with the next ones.
  [[nodiscard]] std::size_t kept() const;

  /// Sends those, and what is to be sent soon, as flush() would. Nothing happens if there are none.
  void send_kept();

  /// Whether so much is unsent that the client shall get no other response before: it does not read what
  /// it has asked for. Once it does, a flush() says so.
  [[nodiscard]] bool holds_up() const { return holds_up_.load(std::memory_order_relaxed); }

  /// Whether everything is with the kernel.
  [[nodiscard]] bool empty() const;

  /// Drops what is queued; nothing is sent any more, and whoever waits is told.
  void mark_gone();

 private:
  // With the mutex held. False: the client has gone.
  void postpone(std::span<iovec> pieces, std::size_t size, When when);
  [[nodiscard]] bool send_postponed();
  [[nodiscard]] bool send_pieces(std::span<iovec> pieces, int flags);
  [[nodiscard]] bool send_queue();
  bool lose();  // it is gone; false
  void note_length() { holds_up_.store(unsent_.holds_up(), std::memory_order_relaxed); }
  [[nodiscard]] std::function<void()>
  wake_waiters();  // with the mutex held; call the result without

  const int fd_;
  IoThread& io_;
  mutable std::mutex mutex_;
  std::condition_variable writable_;
  UnsentQueue unsent_;
  std::function<void()> resume_;
  bool postponed_ = false;         // what is in the queue, although the socket may take it
  std::size_t kept_ = 0;           // octets of that, while none of it is to be sent soon
  std::atomic<bool> gone_{false};  // written with the mutex held, as is the next one
  std::atomic<bool> holds_up_{false};
};

}  // namespace spawning
