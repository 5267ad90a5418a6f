// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Answers requests by calling a WSGI application.

#include <Python.h>

#include <string_view>

#include "environ.hpp"
#include "gil.hpp"
#include "gone_clients.hpp"
#include "hub.hpp"
#include "py_ref.hpp"
#include "request_hooks.hpp"
#include "spawning/handler.hpp"
#include "spawning/log.hpp"
#include "start_response.hpp"
#include "wsgi_file.hpp"
#include "wsgi_input.hpp"

namespace spawning::python {

/// Calls a WSGI application for each request, with everything that PEP 3333 asks of a server.
///
/// Blocks go out as the application gives them, and none is asked for before the last one is out; a
/// client that has gone ends the iteration; `close()` is called in every case, after the response.
/// An exception out of the application, SystemExit and KeyboardInterrupt included, is one entry in
/// the log with its traceback; the client gets 500, or a broken connection if the head is out.
///
/// \par Threads   handle() is called on threads of Python's that hold the GIL, or in greenlets; the other
///                members need it.
/// \par Lifetime  `log` and `hub` outlive it.
/// \see PEP 3333
class WsgiHandler : public Handler {
 public:
  /// \param application  any callable; it is not checked.
  /// \param hub          of the greenlets that call handle(); nullptr: threads do.
  /// If it fails ok() is false and a Python exception is set.
  WsgiHandler(const GilHeld& gil, PyObject* application, EnvironOptions options, const Log& log,
              Hub* hub = nullptr);

  [[nodiscard]] bool ok() const { return ok_; }

  void handle(Request request, Responder responder) override;

  /// In a process that the application has forked from this one, and which has its connections: calls
  /// `came_back`, which does not return, with the exception or None, whenever the application comes
  /// back from a call. Nothing is answered there.
  void in_child(const GilHeld&, PyObject* came_back) { came_back_ = PyRef::borrow(came_back); }

  /// Whom to call for iterations that wait for something while their clients have gone.
  [[nodiscard]] GoneClients& gone_clients() { return gone_clients_; }

 private:
  friend class WsgiTurn;

  void answer(const GilHeld& gil, const Request& request, Responder responder,
              const RequestObjects& objects);
  void log_exception(const GilHeld& gil, std::string_view label, PyObject* exception);
  /// After each call of the application's code.
  void stay_if_forked() {
    if (came_back_) [[unlikely]]
      stay();
  }
  void stay();

  const Log& log_;
  Hub* const hub_;
  PyRef application_;
  PyRef close_name_;
  PyRef came_back_;
  EnvironBuilder environs_;
  StartResponses start_responses_;
  WsgiInputs inputs_;
  EarlyHints early_hints_;
  ClientDisconnected client_disconnected_;
  WsgiFiles files_;
  GoneClients gone_clients_;
  bool ok_ = false;
};

}  // namespace spawning::python
