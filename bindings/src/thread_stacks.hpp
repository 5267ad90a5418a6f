// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What threads are doing right now, in Python.

#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "gil.hpp"
#include "spawning/log.hpp"
#include "spawning/unique_fd.hpp"

namespace spawning::python {

/// Logs the Python stacks of threads, whatever they do: also of one that keeps the GIL in native
/// code. Each is asked by a signal, whose handler (faulthandler's) needs no lock.
///
/// The signal is SIGRTMIN + 11; SIGRTMIN + 12 is taken, too, though nobody sends it. System calls that the thread waits in are restarted or, where they
/// cannot be, end with EINTR, as with any signal.
///
/// \par Threads   report(), report_shown() and report_all() on any thread, one report_all() at a time. The
///                rest with the GIL held.
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
  /// \param needless  if it is there, asked first, on a thread of its own: whether nothing has to be said.
  void report(pthread_t thread, std::string introduction, std::function<bool()> needless = nullptr);

  /// Logs the stacks of all threads that Python knows, under `introduction`, before it returns: the
  /// calling thread reads them, also while another one keeps the GIL. What runs meanwhile may be
  /// shown half here, half there, and at worst end this process: for the last words of one.
  void report_all(std::string_view introduction) const;

  /// Logs the stacks of all shown threads, under `introduction`, before it returns: also of those that belong
  /// to another interpreter than the first, of which report_all() knows nothing. That takes 0.6 s at most,
  /// or a little longer; of a thread that does not answer it says so.
  void report_shown(std::string_view introduction);

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
    std::function<bool()> needless;
  };

  [[nodiscard]] bool install_handlers();
  void run();
  [[nodiscard]] std::optional<std::string> stack_of(pthread_t thread,
                                                    std::chrono::nanoseconds patience);
  [[nodiscard]] bool ask(pthread_t thread);

  const Log& log_;
  UniqueFd answer_;       // what the handler writes
  UniqueFd all_answers_;  // …of the second signal
  void (*dump_all_)(int) = nullptr;
  bool ok_ = false;
  std::mutex asking_;  // one at a time; taken before the other one
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<pthread_t> shown_;
  std::deque<Wanted> wanted_;
  bool ended_ = false;
  std::thread reporter_;  // from the first report() on
};

}  // namespace spawning::python
