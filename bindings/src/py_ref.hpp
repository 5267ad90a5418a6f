// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Owning references to Python objects, and the few conversions that the hot path needs.

#include <Python.h>

#include <string_view>
#include <utility>

namespace spawning::python {

/// Owns one reference to a Python object, or none.
///
/// Null, as the result of a function, means that it failed and that a Python exception is set.
///
/// \par Threads  Everything but moving needs the GIL.
class PyRef {
 public:
  PyRef() = default;
  PyRef(PyRef&& other) noexcept : object_{other.release()} {}
  PyRef& operator=(PyRef&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~PyRef() { Py_XDECREF(object_); }

  /// Takes over a reference that the caller owns: most results of the C API.
  [[nodiscard]] static PyRef steal(PyObject* object) { return PyRef{object}; }
  /// Makes a reference of its own to an object that somebody else owns.
  [[nodiscard]] static PyRef borrow(PyObject* object) {
    Py_XINCREF(object);
    return PyRef{object};
  }

  [[nodiscard]] PyObject* get() const { return object_; }
  [[nodiscard]] explicit operator bool() const { return object_ != nullptr; }
  [[nodiscard]] PyObject* release() noexcept { return std::exchange(object_, nullptr); }
  void reset(PyObject* object = nullptr) noexcept {
    Py_XDECREF(std::exchange(object_, object));  // exchanged first: the destructor may run any code
  }

 private:
  explicit PyRef(PyObject* object) : object_{object} {}

  PyObject* object_ = nullptr;
};

/// A `str` of these octets, one code point each (PEP 3333, "Unicode Issues").
[[nodiscard]] inline PyRef latin1(std::string_view octets) {
  return PyRef::steal(
      PyUnicode_DecodeLatin1(octets.data(), static_cast<Py_ssize_t>(octets.size()), nullptr));
}

/// The same object for equal texts: dictionary look-ups compare pointers.
[[nodiscard]] inline PyRef interned(PyRef text) {
  PyObject* object = text.release();
  if (object != nullptr) PyUnicode_InternInPlace(&object);
  return PyRef::steal(object);
}
[[nodiscard]] inline PyRef interned(std::string_view octets) { return interned(latin1(octets)); }

/// The octets of a `bytes` object. They live as long as it does.
[[nodiscard]] inline std::string_view octets_of(PyObject* bytes) {
  return {PyBytes_AS_STRING(bytes), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes))};
}

/// Takes the exception that is set, with its traceback in it, and clears it.
[[nodiscard]] inline PyRef take_exception() {
#if PY_VERSION_HEX >= 0x030C0000
  return PyRef::steal(PyErr_GetRaisedException());
#else
  PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  if (value != nullptr && traceback != nullptr) PyException_SetTraceback(value, traceback);
  Py_XDECREF(type);
  Py_XDECREF(traceback);
  return PyRef::steal(value);
#endif
}

}  // namespace spawning::python
