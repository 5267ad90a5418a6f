// SPDX-License-Identifier: MIT
#include "wsgi_input.hpp"

#include <algorithm>
#include <cerrno>
#include <span>
#include <system_error>
#include <utility>

namespace spawning::python {
namespace {

// From here on, reading a spool file takes longer than handing the GIL over and back.
constexpr std::size_t kWithoutGil = 64 << 10;

// How much of a spooled body is read at once to look for lines.
constexpr std::size_t kAhead = 16 << 10;

// A memory stream's idea of a size: absent and None are -1. False with an exception if it is
// neither.
bool parse_limit(PyObject* const* arguments, Py_ssize_t count, const char* name,
                 Py_ssize_t& limit) {
  limit = -1;
  if (count > 1) {
    PyErr_Format(PyExc_TypeError, "%s takes at most one argument (%zd given)", name, count);
    return false;
  }
  if (count == 0 || arguments[0] == Py_None) return true;
  limit = PyNumber_AsSsize_t(arguments[0], PyExc_OverflowError);
  return limit != -1 || PyErr_Occurred() == nullptr;
}

// Runs `read` and turns what the spool file may throw into an OSError.
template <class Read>
PyObject* guarded(Read read) {
  try {
    return read().release();
  } catch (const std::system_error& error) {
    errno = error.code().value();
    return PyErr_SetFromErrno(PyExc_OSError);
  }
}

PyObject* read(PyObject* self, PyObject* const* arguments, Py_ssize_t count) {
  const GilHeld gil = GilHeld::by_caller();
  Py_ssize_t limit = -1;
  if (!parse_limit(arguments, count, "read", limit)) return nullptr;
  return guarded([&] { return unbox<WsgiInput>(self).read(gil, limit); });
}

PyObject* read_line(PyObject* self, PyObject* const* arguments, Py_ssize_t count) {
  const GilHeld gil = GilHeld::by_caller();
  Py_ssize_t limit = -1;
  if (!parse_limit(arguments, count, "readline", limit)) return nullptr;
  return guarded([&] { return unbox<WsgiInput>(self).read_line(gil, limit); });
}

PyRef read_lines_of(const GilHeld& gil, WsgiInput& input, Py_ssize_t hint) {
  PyRef lines = PyRef::steal(PyList_New(0));
  if (!lines) return {};
  for (Py_ssize_t total = 0; hint <= 0 || total < hint;) {
    const PyRef line = input.read_line(gil, -1);
    if (!line) return {};
    if (PyBytes_GET_SIZE(line.get()) == 0) break;
    if (PyList_Append(lines.get(), line.get()) < 0) return {};
    total += PyBytes_GET_SIZE(line.get());
  }
  return lines;
}

PyObject* read_lines(PyObject* self, PyObject* const* arguments, Py_ssize_t count) {
  const GilHeld gil = GilHeld::by_caller();
  Py_ssize_t hint = -1;
  if (!parse_limit(arguments, count, "readlines", hint)) return nullptr;
  return guarded([&] { return read_lines_of(gil, unbox<WsgiInput>(self), hint); });
}

PyObject* next_line(PyObject* self) {
  const GilHeld gil = GilHeld::by_caller();
  PyRef line = PyRef::steal(guarded([&] { return unbox<WsgiInput>(self).read_line(gil, -1); }));
  if (line && PyBytes_GET_SIZE(line.get()) == 0) return nullptr;  // no exception set: the end
  return line.release();
}

template <class Function>
PyCFunction as_method(Function function) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

PyMethodDef methods[] = {
    {"read", as_method(&read), METH_FASTCALL, "read([size]) -> bytes, at most size of them"},
    {"readline", as_method(&read_line), METH_FASTCALL, "readline([size]) -> bytes up to a newline"},
    {"readlines", as_method(&read_lines), METH_FASTCALL, "readlines([hint]) -> list of lines"},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

// To close a file of a gigabyte takes a while: not on the I/O thread, nor with the GIL.
void WsgiInput::end(const GilHeld& gil) {
  occupancy_.await_turn(gil);
  Body* const body = std::exchange(body_, nullptr);
  ahead_.clear();
  ahead_used_ = 0;
  if (body == nullptr || !body->spooled()) return;
  const Occupancy::WithoutGil released{occupancy_, gil};
  body->clear();
}

bool WsgiInput::ready(const GilHeld& gil) {
  occupancy_.await_turn(gil);
  if (body_ != nullptr) return true;
  PyErr_SetString(PyExc_ValueError, "wsgi.input: the request is over");
  return false;
}

std::uint64_t WsgiInput::remaining() const {
  return ahead_.size() - ahead_used_ + body_->remaining();
}

std::size_t WsgiInput::read_spool(const GilHeld& gil, char* out, std::size_t count) {
  if (count < kWithoutGil) return body_->read({out, count});
  const Occupancy::WithoutGil released{occupancy_, gil};
  return body_->read({out, count});
}

// The octets that come next, some of them at least; empty at the end only.
std::string_view WsgiInput::peek(const GilHeld& gil) {
  if (!body_->spooled()) return body_->unread_in_memory();
  if (ahead_used_ == ahead_.size()) {
    ahead_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kAhead, body_->remaining())));
    ahead_used_ = 0;
    ahead_.resize(read_spool(gil, ahead_.data(), ahead_.size()));
  }
  return std::string_view{ahead_}.substr(ahead_used_);
}

void WsgiInput::consume(std::size_t count) {
  if (body_->spooled()) {
    ahead_used_ += count;
  } else {
    body_->skip(count);
  }
}

void WsgiInput::fill(const GilHeld& gil, char* out, std::size_t count) {
  const std::size_t from_ahead = std::min(count, ahead_.size() - ahead_used_);
  std::copy_n(ahead_.data() + ahead_used_, from_ahead, out);
  ahead_used_ += from_ahead;
  for (std::size_t done = from_ahead; done < count;) {
    const std::size_t got = read_spool(gil, out + done, count - done);
    if (got == 0) throw std::system_error{EIO, std::system_category(), "request body"};
    done += got;
  }
}

PyRef WsgiInput::read(const GilHeld& gil, Py_ssize_t limit) {
  if (!ready(gil)) return {};
  const std::uint64_t left = remaining();
  const auto count =
      limit < 0 ? static_cast<std::size_t>(left)
                : static_cast<std::size_t>(std::min(left, static_cast<std::uint64_t>(limit)));
  PyRef bytes = PyRef::steal(PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(count)));
  if (bytes) fill(gil, PyBytes_AS_STRING(bytes.get()), count);
  return bytes;
}

PyRef WsgiInput::read_line(const GilHeld& gil, Py_ssize_t limit) {
  if (!ready(gil)) return {};
  std::string line;  // only of a line that is in several pieces
  for (;;) {
    std::string_view piece = peek(gil);
    if (limit >= 0) piece = piece.substr(0, static_cast<std::size_t>(limit) - line.size());
    const std::size_t newline = piece.find('\n');
    const bool complete = newline != std::string_view::npos || piece.empty() || !body_->spooled();
    if (newline != std::string_view::npos) piece = piece.substr(0, newline + 1);
    if (complete && line.empty()) {
      PyRef whole = PyRef::steal(
          PyBytes_FromStringAndSize(piece.data(), static_cast<Py_ssize_t>(piece.size())));
      if (whole) consume(piece.size());
      return whole;
    }
    line += piece;
    consume(piece.size());
    if (complete)
      return PyRef::steal(
          PyBytes_FromStringAndSize(line.data(), static_cast<Py_ssize_t>(line.size())));
  }
}

WsgiInputs::WsgiInputs(const GilHeld& gil)
    : Recycler{gil,
               "spawning._native.Input",
               {{Py_tp_methods, methods},
                {Py_tp_iter, reinterpret_cast<void*>(&PyObject_SelfIter)},
                {Py_tp_iternext, reinterpret_cast<void*>(&next_line)}}} {}

}  // namespace spawning::python
