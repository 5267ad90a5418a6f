// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The sending side of a connection, used by the thread that answers and by the I/O thread.

#include <sys/uio.h>

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "spawning/exchange.hpp"

namespace spawning {

/// Sends octets straight from the answering thread while the socket takes them, which saves the hop
/// to the I/O thread, and queues the rest, which the I/O thread sends as the client reads.
///
/// \par Threads   send(), wait_writable(), when_writable() and gone(): any. The rest: the I/O
///                thread.
/// \par Lifetime  Borrows the descriptor until mark_gone(), after which it is never touched again.
class Outbox {
 public:
  /// What the Outbox needs of the I/O thread. Called on any thread, with the Outbox locked.
  class IoThread {
   public:
    virtual ~IoThread() = default;
    virtual void post_flush() = 0;  ///< octets are queued: call flush() when the socket is writable
    virtual void post_close() = 0;  ///< sending failed: the client is gone
  };

  /// \param unsent_high  above it, send() answers `full`; half of it ends a wait.
  Outbox(int fd, std::size_t unsent_high, IoThread& io);

  /// Sends or queues all of it, without waiting.
  WriteStatus send(std::span<iovec> pieces);

  /// Waits until little is unsent. False if the client is gone.
  [[nodiscard]] bool wait_writable();

  /// Calls `resume` once, on the I/O thread, when little is unsent or the client is gone.
  void when_writable(std::function<void()> resume);

  [[nodiscard]] bool gone() const;

  enum class Flush { empty, blocked, failed };

  /// Sends what is queued, as far as the socket takes it.
  /// \param progress  set to whether it took anything.
  [[nodiscard]] Flush flush(bool& progress);

  /// Whether everything is with the kernel.
  [[nodiscard]] bool empty() const;

  /// Gives the memory of the queue back, if it is empty: for connections that stay idle.
  void release_memory();

  /// Drops what is queued; nothing is sent any more, and whoever waits is told.
  void mark_gone();

 private:
  void queue_rest(std::span<iovec> pieces, std::size_t sent);
  [[nodiscard]] std::size_t unsent() const { return queued_.size() - offset_; }
  [[nodiscard]] std::function<void()>
  wake_waiters();  // with the mutex held; call the result without

  const int fd_;
  const std::size_t unsent_high_;
  IoThread& io_;
  mutable std::mutex mutex_;
  std::condition_variable writable_;
  std::string queued_;
  std::size_t offset_ = 0;  // of the first unsent octet in queued_
  std::function<void()> resume_;
  bool gone_ = false;
};

}  // namespace spawning
