// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Ending the work for clients that have gone.

#include <Python.h>

#include <atomic>
#include <vector>

#include "gil.hpp"
#include "py_ref.hpp"
#include "spawning/unique_fd.hpp"

namespace spawning::python {

class WsgiResponse;

/// Ends iterations whose client has gone, also while the iterator waits for something in Python
/// code: it sees a GeneratorExit then, as if it had been closed where it waits. Of the calls that
/// wait in native code those of `threading` and `queue` end at once; CPython has no way to interrupt
/// others (`time.sleep`), which see it when they return.
///
/// Whoever learns that a client has gone (the I/O thread) has no GIL, and whoever iterates may be
/// waiting; so a third thread, Python's main thread, waits for fileno() and then calls attend().
///
/// \par Threads  With the GIL held.
class GoneClients {
 public:
  class Iteration;

  explicit GoneClients(const GilHeld& gil);

  GoneClients(const GoneClients&) = delete;
  GoneClients& operator=(const GoneClients&) = delete;

  /// Readable when attend() has something to do.
  [[nodiscard]] int fileno() const { return attention_.get(); }

  /// Interrupts iterators whose client has gone; not where it would do harm.
  /// \returns whether one had to be left alone for now: call again a little later.
  [[nodiscard]] bool attend(const GilHeld& gil);

 private:
  void wake(PyObject* frame) const;

  UniqueFd attention_;
  PyRef condition_wait_;                // the code of threading.Condition.wait
  std::vector<Iteration*> iterations_;  // that are going on
};

/// One application's iterable being iterated.
/// \par Threads  Everything on the thread that iterates, with the GIL held.
class GoneClients::Iteration {
 public:
  /// \par Lifetime  `clients` and `response` outlive it.
  Iteration(const GilHeld& gil, GoneClients& clients, WsgiResponse& response);
  ~Iteration();

  Iteration(const Iteration&) = delete;
  Iteration& operator=(const Iteration&) = delete;

  /// The next block. Null at the end, if the iterator raises (the exception is set), and if the
  /// client has gone.
  [[nodiscard]] PyRef next(PyObject* iterator);

  /// Whether the client has gone.
  [[nodiscard]] bool gone() const { return gone_.load(std::memory_order_relaxed); }

 private:
  friend class GoneClients;

  void client_has_gone();  // any thread, without the GIL
  [[nodiscard]] bool interrupt();
  void forget_interruption();

  const GilHeld& gil_;
  GoneClients& clients_;
  WsgiResponse& response_;
  PyThreadState* const thread_ = PyThreadState_Get();
  bool inside_ = false;       // the iterator
  bool interrupted_ = false;  // it, once
  std::atomic<bool> gone_{false};
};

}  // namespace spawning::python
