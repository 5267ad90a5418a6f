// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// `wsgi.input`: a request's body as a Python file.

#include <Python.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "gil.hpp"
#include "py_ref.hpp"
#include "recycler.hpp"
#include "spawning/body.hpp"

namespace spawning::python {

/// Reads a Body, which is complete, so that no call ever waits for the client and the end is a true
/// end.
///
/// \par Threads  With the GIL held; released while much is read from a spool file. The application
///               may call from any thread, and they take turns.
/// \see PEP 3333, "Input and Error Streams"
class WsgiInput {
 public:
  /// \par Lifetime  `body` lives until end().
  void begin(Body& body) { body_ = &body; }

  /// From here on every call raises ValueError, as a closed file does; and the spool file is closed. Not
  /// after the response has ended, with which the body goes. Idempotent.
  void end(const GilHeld& gil);

  /// At most `limit` octets; all that are left if it is negative. Null with an exception on
  /// failure.
  [[nodiscard]] PyRef read(const GilHeld& gil, Py_ssize_t limit);

  /// To the next "\n", included, or the end; at most `limit` octets unless it is negative.
  [[nodiscard]] PyRef read_line(const GilHeld& gil, Py_ssize_t limit);

 private:
  [[nodiscard]] bool ready(const GilHeld& gil);
  [[nodiscard]] std::uint64_t remaining() const;
  [[nodiscard]] std::string_view peek(const GilHeld& gil);
  void consume(std::size_t count);
  void fill(const GilHeld& gil, char* out, std::size_t count);
  [[nodiscard]] std::size_t read_spool(const GilHeld& gil, char* out, std::size_t count);

  Occupancy occupancy_;
  Body* body_ = nullptr;
  std::string ahead_;  // octets of a spooled body, read to look for a line's end
  std::size_t ahead_used_ = 0;
};

/// Makes the objects that applications see, with read, readline, readlines and iteration over
/// lines.
class WsgiInputs : public Recycler<WsgiInput> {
 public:
  explicit WsgiInputs(const GilHeld& gil);
};

}  // namespace spawning::python
