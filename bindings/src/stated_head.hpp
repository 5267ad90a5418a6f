// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The status and the headers that an application gives to start_response, or to early_hints.

#include <Python.h>

#include <string_view>
#include <vector>

#include "py_ref.hpp"
#include "spawning/response.hpp"

namespace spawning::python {

/// Checks the arguments of start_response and keeps them until the head is sent.
///
/// \par Threads  With the GIL held.
/// \see PEP 3333, "The start_response() Callable"
class StatedHead {
 public:
  /// Takes the place of what was stated before, or leaves it if something is wrong.
  /// \returns false with an exception set: TypeError for a wrong type, ValueError for a text that
  ///          cannot stand in a response, AssertionError for a hop-by-hop header.
  [[nodiscard]] bool assign(PyObject* status, PyObject* headers);

  /// As assign(), for an interim response. \param status  102–199.
  [[nodiscard]] bool assign_interim(unsigned status, PyObject* headers);

  /// Whether there is one.
  [[nodiscard]] bool stated() const { return head_.status != 0; }

  /// The head. Its views live until the next assign() or clear().
  [[nodiscard]] const ResponseHead& view() const { return head_; }

  void clear();

 private:
  void keep(PyObject* text) { texts_.push_back(PyRef::borrow(text)); }
  [[nodiscard]] bool add_status(PyObject* status);
  [[nodiscard]] bool add_headers(PyObject* headers);
  [[nodiscard]] bool add_header(PyObject* header);

  const char* caller_ = "start_response";  // whose arguments they are, for messages
  ResponseHead head_{0, {}, {}};
  std::vector<Header> headers_;
  std::vector<PyRef> texts_;  // what the views look into: `str` objects never change
};

}  // namespace spawning::python
