// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Who comes to a worker's console.

#include <mutex>

#include "spawning/unique_fd.hpp"

namespace spawning {

/// A listening socket that workers share, and that one serves only while it serves HTTP. What is
/// spoken there is the application's side's business. \see SupervisorConfig::console
///
/// Nobody is accepted without having been waited for by a thread that is about to look after them,
/// so that of several workers one answers that can.
///
/// \par Threads  wait() and accept() on one thread, which has returned before *this is destroyed;
///               the others on any.
class Console {
 public:
  /// \param socket  non-blocking; empty: there is no console.
  /// \throws std::system_error if there are no descriptors left.
  explicit Console(UniqueFd socket);

  /// From here on people are let in, until close().
  void open();
  void close();

  /// Waits until somebody may be there. False: nobody is let in here any more.
  [[nodiscard]] bool wait();

  /// Who is there, as a blocking socket; empty if a sibling was faster, or there are no descriptors
  /// left: then the next wait() takes at least 100 ms.
  [[nodiscard]] UniqueFd accept();

 private:
  std::mutex mutex_;
  const UniqueFd socket_;  // open until the end: somebody may be waiting at it
  bool open_ = false;
  bool closed_ = false;
  bool exhausted_ = false;
  UniqueFd changed_;  // an eventfd
};

}  // namespace spawning
