// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Ending the work for clients that have gone.

#include <Python.h>

#include <atomic>
#include <memory>
#include <vector>

#include "gil.hpp"
#include "hub.hpp"
#include "py_ref.hpp"
#include "spawning/unique_fd.hpp"

namespace spawning::python {

class WsgiResponse;

/// Ends iterations whose client has gone, also while the iterator waits for something.
///
/// In a thread it waits in Python code: it sees a GeneratorExit then, as if it had been closed where
/// it waits. Of the calls that wait in native code those of `threading` and `queue` end at once;
/// CPython has no way to interrupt others (`time.sleep`), which see it when they return. A greenlet
/// sees a GreenletExit, wherever it waits for its hub.
///
/// Whoever learns that a client has gone (the I/O thread) has no GIL, and whoever iterates may be
/// waiting; so a third one, Python's main thread, waits for fileno() and then calls attend(), or
/// next_abandoned() if it is a hub.
///
/// \par Threads  With the GIL held.
class GoneClients {
 public:
  class Iteration;

  /// \param hub  of the greenlets that iterate; nullptr: threads do.
  GoneClients(const GilHeld& gil, Hub* hub);

  GoneClients(const GoneClients&) = delete;
  GoneClients& operator=(const GoneClients&) = delete;

  /// Readable when attend() has something to do.
  [[nodiscard]] int fileno() const { return attention_.get(); }

  /// Interrupts iterators whose client has gone; not where it would do harm.
  /// \returns whether one had to be left alone for now: call again a little later.
  [[nodiscard]] bool attend(const GilHeld& gil);

  /// A greenlet that waits for a client which has gone, and in which the caller raises GreenletExit
  /// before anybody else runs. Null, and no exception, if there is none (any more).
  /// \param again  set if one had to be left alone for now.
  [[nodiscard]] PyRef next_abandoned(const GilHeld& gil, bool& again);

 private:
  struct State;

  void wake(PyObject* frame) const;
  void take_attention() const;

  UniqueFd attention_;
  Hub* const hub_;
  PyRef condition_wait_;                            // the code of threading.Condition.wait
  std::vector<std::shared_ptr<State>> iterations_;  // that are going on
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
  [[nodiscard]] bool gone() const;

 private:
  const GilHeld& gil_;
  GoneClients& clients_;
  WsgiResponse& response_;
  const std::shared_ptr<State> state_;  // with whoever looks at it just when this ends
};

}  // namespace spawning::python
