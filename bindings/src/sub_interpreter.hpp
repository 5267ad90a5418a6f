// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// One of several interpreters in a process, each with a lock (GIL) of its own.

#include <Python.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <semaphore>
#include <string>
#include <thread>

#include "environ.hpp"
#include "gil.hpp"
#include "spawning/log.hpp"
#include "spawning/worker.hpp"
#include "thread_stacks.hpp"
#include "wsgi_handler.hpp"

/// Whether this Python has interpreters with locks of their own. Those of 3.12 have, too, but it crashes
/// when a second one imports `datetime` (seen with 3.12.1). PEP 684
#define SPAWNING_HAS_INTERPRETERS (PY_VERSION_HEX >= 0x030D0000)

namespace spawning::python {

/// An interpreter that loads the application for itself and answers requests with it, on threads of its
/// own. Nothing in it is shared with the other ones: neither objects nor modules nor the lock.
///
/// What happens in it `spawning.serving.inside_interpreter` says, which is called with an object whose
/// methods are this class's.
///
/// \par Threads   Any, with or without a GIL, except what is for inside. Only end(), which the
///                destructor calls, waits for longer than a moment, and what is for inside.
/// \par Lifetime  What it was given outlives it.
class SubInterpreter {
 public:
  /// What it is to do, and for whom.
  struct Duty {
    std::string settings;            ///< of the service, as JSON
    Worker* worker = nullptr;        ///< whose requests it answers; nullptr: it only tries to load
    ThreadStacks* stacks = nullptr;  ///< where the worker's threads are shown
    const Log* log = nullptr;
    /// Acquired before it loads, and released when it has; nullptr: it waits for nobody.
    std::binary_semaphore* turn = nullptr;
  };

  /// How the application was loaded.
  enum class Loaded { not_yet, well, badly };

  /// Begins to load. Without SPAWNING_HAS_INTERPRETERS that fails.
  /// \param loaded  called once, on a thread of its own, when it is known.
  SubInterpreter(Duty duty, std::function<void(Loaded)> loaded);
  /// \see end
  ~SubInterpreter();

  SubInterpreter(const SubInterpreter&) = delete;
  SubInterpreter& operator=(const SubInterpreter&) = delete;

  [[nodiscard]] Loaded loaded() const;
  /// What was wrong, if it was loaded badly.
  [[nodiscard]] LoadFailure failure() const;

  /// Answers requests until the worker has nothing left to do. After it has been loaded well.
  void serve() { decide(true); }

  /// Whether the calling thread is one of its own: it has its GIL then.
  [[nodiscard]] bool is_current() const;
  /// Calls its application. On threads of its own, after serve().
  [[nodiscard]] WsgiHandler& handler() { return *handler_; }

  /// Waits until nothing runs in it any more; if it does not serve it has nothing to wait for. False: an
  /// exception, which has been logged, has ended it. What it consists of stays, and so this process has to
  /// end without finalizing Python.
  [[nodiscard]] bool end();

  /// \name For inside, with its GIL held.
  /// @{
  [[nodiscard]] const Duty& duty() const { return duty_; }
  void failed(const GilHeld& gil, LoadFailure failure);
  /// Logs the exception; the worker is not to go on.
  void broken(const GilHeld& gil, PyObject* exception);
  /// Nothing runs in it any more that is to be waited for.
  void ended();
  /// Waits for whether requests are to be answered. False as well, with an exception set, if the
  /// application cannot be served.
  [[nodiscard]] bool ready(const GilHeld& gil, PyObject* application, EnvironOptions options);
  void serve_requests(const GilHeld& gil);
  /// @}

 private:
  void run();
  void work(const GilHeld& gil);
  void decide(bool to_serve);
  void note(Loaded how, LoadFailure failure = {});

  const Duty duty_;
  const std::function<void(Loaded)> tell_loaded_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Loaded loaded_ = Loaded::not_yet;
  LoadFailure failure_;
  std::optional<bool> to_serve_;
  bool ended_ = false;
  bool good_ = true;
  PyInterpreterState* state_ = nullptr;  // before it is loaded, and then no more
  std::unique_ptr<WsgiHandler> handler_;
  std::atomic<std::size_t> at_work_{0};  // threads that have its GIL, or want it, for requests
  std::thread thread_;
};

}  // namespace spawning::python
