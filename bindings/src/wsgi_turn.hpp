// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// One call of a WSGI application.

#include <Python.h>

#include <string>

#include "wsgi_handler.hpp"

namespace spawning::python {

/// Takes one request through the application. Every member function that returns a bool answers
/// false with a Python exception set.
class WsgiTurn {
 public:
  WsgiTurn(const GilHeld& gil, WsgiHandler& handler, const Request& request, WsgiResponse& response,
           WsgiInput& input)
      : gil_{gil}, handler_{handler}, request_{request}, response_{response}, input_{input} {}

  /// Calls the application and sends what it returns; whatever happens, the response is complete or
  /// given up afterwards and failures are in the log.
  void run(PyObject* environ, PyObject* start_response);

 private:
  [[nodiscard]] bool send(PyObject* body);
  [[nodiscard]] bool send_file(WsgiFile file);
  [[nodiscard]] bool send_blocks(PyObject* iterable);
  [[nodiscard]] bool find_close(PyObject* body);
  void end_response(bool good);
  void call_close();
  void log_exception();
  [[nodiscard]] std::string label() const;

  const GilHeld& gil_;
  WsgiHandler& handler_;
  const Request& request_;  // its views end with the response
  WsgiResponse& response_;
  WsgiInput& input_;
  PyRef close_;
  std::string label_;  // what the log calls this request, once the request is gone
};

}  // namespace spawning::python
