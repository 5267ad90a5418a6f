// SPDX-License-Identifier: MIT
#include "start_response.hpp"

namespace spawning::python {
namespace {

PyObject* write(PyObject* self, PyObject* block) {
  const GilHeld gil = GilHeld::by_caller();
  auto& response = unbox<WsgiResponse>(self);
  switch (response.send(gil, block)) {
    case Sent::ok:
      Py_RETURN_NONE;
    case Sent::enough:
      if (!response.exceeded()) Py_RETURN_NONE;
      PyErr_SetString(PyExc_AssertionError, "write: more than the declared Content-Length");
      break;
    case Sent::gone:
      PyErr_SetString(PyExc_BrokenPipeError, "the client has gone");
      break;
    case Sent::failed:
      break;
  }
  return nullptr;
}

PyMethodDef write_method{"write", &write, METH_O, "Sends a block of the body at once."};

// The third argument, by position or by its name; false with an exception if the arguments are
// wrong.
bool find_exc_info(PyObject* const* arguments, Py_ssize_t positional, PyObject* names,
                   PyObject*& exc_info) {
  const Py_ssize_t named = names == nullptr ? 0 : PyTuple_GET_SIZE(names);
  if (positional < 2 || positional + named > 3) {
    PyErr_SetString(PyExc_TypeError, "start_response takes (status, headers, exc_info=None)");
    return false;
  }
  if (named == 1 && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "exc_info") != 0) {
    PyErr_Format(PyExc_TypeError, "start_response got an unexpected argument %R",
                 PyTuple_GET_ITEM(names, 0));
    return false;
  }
  exc_info = positional + named == 3 ? arguments[2] : nullptr;  // named ones follow the others
  return true;
}

PyObject* call(PyObject* self, PyObject* const* arguments, std::size_t flags, PyObject* names) {
  const GilHeld gil = GilHeld::by_caller();
  PyObject* exc_info = nullptr;
  if (!find_exc_info(arguments, PyVectorcall_NARGS(flags), names, exc_info)) return nullptr;
  if (!unbox<WsgiResponse>(self).state_head(gil, arguments[0], arguments[1], exc_info))
    return nullptr;
  return PyCFunction_New(&write_method, self);
}

}  // namespace

StartResponses::StartResponses(const GilHeld& gil)
    : Recycler{gil, "spawning._native.StartResponse", {}, &call} {}

}  // namespace spawning::python
