// SPDX-License-Identifier: MIT
#include "request_hooks.hpp"

#include "wsgi_response.hpp"

namespace spawning::python {
namespace {

bool takes(std::size_t flags, PyObject* names, Py_ssize_t count, const char* signature) {
  const bool right =
      PyVectorcall_NARGS(flags) == count && (names == nullptr || PyTuple_GET_SIZE(names) == 0);
  if (!right) PyErr_Format(PyExc_TypeError, "the signature is %s", signature);
  return right;
}

PyObject* send_hints(PyObject* self, PyObject* const* arguments, std::size_t flags,
                     PyObject* names) {
  const GilHeld gil = GilHeld::by_caller();
  if (!takes(flags, names, 1, "early_hints(headers)")) return nullptr;
  const PyRef target = unbox<RequestHook>(self).target();
  if (!target) {
    PyErr_SetString(PyExc_RuntimeError, "early_hints: the request is over");
    return nullptr;
  }
  if (!unbox<WsgiResponse>(target.get()).send_hints(gil, arguments[0])) return nullptr;
  Py_RETURN_NONE;
}

PyObject* is_gone(PyObject* self, PyObject* const*, std::size_t flags, PyObject* names) {
  if (!takes(flags, names, 0, "client_disconnected()")) return nullptr;
  const PyRef target = unbox<RequestHook>(self).target();
  return PyBool_FromLong(!target || unbox<WsgiResponse>(target.get()).client_gone() ? 1 : 0);
}

}  // namespace

EarlyHints::EarlyHints(const GilHeld& gil)
    : Recycler{gil, "spawning._native.EarlyHints", {}, &send_hints} {}

ClientDisconnected::ClientDisconnected(const GilHeld& gil)
    : Recycler{gil, "spawning._native.ClientDisconnected", {}, &is_gone} {}

}  // namespace spawning::python
