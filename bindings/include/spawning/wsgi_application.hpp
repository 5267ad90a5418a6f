// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// A WSGI application as a Handler, for C++ programs that have a Python interpreter in them.
///
/// Not a part of libspawning, which knows nothing of Python: it comes with the CMake target
/// `spawning::wsgi`. The interpreter is the program's own business, and so is linking libpython.

#include <Python.h>

#include <memory>

#include "spawning/export.hpp"
#include "spawning/handler.hpp"
#include "spawning/log.hpp"

namespace SPAWNING_EXPORT spawning {

static_assert(PY_MAJOR_VERSION * 256 + PY_MINOR_VERSION == SPAWNING_PYTHON_VERSION,
              "spawning::wsgi was built for another version of Python than this program");

/// How a WsgiApplication calls its application.
struct WsgiOptions {
  unsigned threads = 4;  ///< so many requests run at a time; more of them wait
};

/// Answers requests by calling a WSGI application, on threads of its own.
///
/// handle() only queues the request. It waits for nothing: neither for one of the threads nor for the
/// interpreter's lock (GIL). So Handlers in C++ beside this one answer whatever Python is doing.
///
/// The threads are Python's, `threading.Thread`, and live as long as this: `threading.local` survives
/// from one request to the next. What `spawn` does for an application is done here, too: an exception
/// is a 500 and a traceback in the log, and a client that goes ends the iteration over its answer.
///
/// \par Threads   handle() on any. The thread that runs the server must not keep the GIL, because the
///                application would never be called (the log says so, once). Constructor and
///                destructor take the GIL where the calling thread does not have it.
/// \par Lifetime  The interpreter outlives it, and it outlives the Server that calls it. The context and
///                the Log of that Server outlive it, too: requests that still run use them. The destructor
///                waits, without the GIL, for requests that still run in Python, however long they take;
///                after a second the log says so.
/// \see docs/wsgi.md, PEP 3333
class WsgiApplication final : public Handler {
 public:
  /// \param application  any callable. A reference to it is kept.
  /// \throws StartupError if it is no callable, or there are no threads to be had; std::system_error if
  ///         there are no descriptors, or no thread to start them on.
  WsgiApplication(PyObject* application, const Log& log, WsgiOptions options = {});
  ~WsgiApplication() override;

  WsgiApplication(const WsgiApplication&) = delete;
  WsgiApplication& operator=(const WsgiApplication&) = delete;

  void handle(Request request, Responder responder) override;

 private:
  struct SPAWNING_PRIVATE State;
  std::unique_ptr<State> state_;
};

}  // namespace spawning
