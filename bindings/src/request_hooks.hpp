// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What an environ offers beyond PEP 3333: callables that belong to one request.

#include <Python.h>

#include "recycler.hpp"

namespace spawning::python {

/// Stands in an environ for the response of its request, which it does not keep.
class RequestHook {
 public:
  /// \param start_response  whose WsgiResponse is meant; there until end().
  void begin(PyObject* start_response) { start_response_ = start_response; }
  void end() { start_response_ = nullptr; }

  /// That start_response, kept for the caller; null, and no exception, once the request is over.
  [[nodiscard]] PyRef target() const { return PyRef::borrow(start_response_); }

 private:
  PyObject* start_response_ = nullptr;
};

/// `wsgi.early_hints`: called with a list of (name, value), it sends 103 (RFC 8297).
/// \see WsgiResponse::send_hints
class EarlyHints : public Recycler<RequestHook> {
 public:
  explicit EarlyHints(const GilHeld& gil);
};

/// `spawning.client_disconnected`: called without arguments, it returns whether the client is known
/// to have gone; True once the request is over.
class ClientDisconnected : public Recycler<RequestHook> {
 public:
  explicit ClientDisconnected(const GilHeld& gil);
};

}  // namespace spawning::python
