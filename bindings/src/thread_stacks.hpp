// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What threads are doing right now, in Python.

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "gil.hpp"
#include "spawning/log.hpp"
#include "spawning/unique_fd.hpp"

namespace spawning::python {

/// Logs the Python stacks of threads, whatever they do: also of one that keeps the GIL in native
/// code. Each is asked by a signal, whose handler (faulthandler's) needs no lock.
///
/// The signal is SIGRTMIN + 11. System calls that the thread waits in are restarted or, where they
/// cannot be, end with EINTR, as with any signal.
///
/// \par Threads   report() on any thread; it returns at once. The rest with the GIL held.
/// \par Lifetime  One at a time in a process; `log` outlives it.
/// \see faulthandler.register, signal-safety(7)
class ThreadStacks {
 public:
  /// If it fails ok() is false and a Python exception is set.
  ThreadStacks(const GilHeld& gil, const Log& log);
  ~ThreadStacks();

  ThreadStacks(const ThreadStacks&) = delete;
  ThreadStacks& operator=(const ThreadStacks&) = delete;

  [[nodiscard]] bool ok() const { return ok_; }

  /// Logs the stack of `thread` under `introduction`, a moment later. A thread that is not (or not
  /// any more) among the shown ones is left out.
  void report(pthread_t thread, std::string introduction);

  /// While it lives the calling thread may be reported.
  class Shown {
   public:
    explicit Shown(ThreadStacks& stacks);
    ~Shown();

    Shown(const Shown&) = delete;
    Shown& operator=(const Shown&) = delete;

   private:
    ThreadStacks& stacks_;
  };

 private:
  struct Wanted {
    pthread_t thread;
    std::string introduction;
  };

  [[nodiscard]] bool install_handler();
  void run();
  [[nodiscard]] bool ask(pthread_t thread);
  [[nodiscard]] std::string read_answer() const;

  const Log& log_;
  UniqueFd answer_;  // what the handler writes
  bool ok_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<pthread_t> shown_;
  std::deque<Wanted> wanted_;
  bool ended_ = false;
  std::thread reporter_;  // from the first report() on
};

}  // namespace spawning::python
