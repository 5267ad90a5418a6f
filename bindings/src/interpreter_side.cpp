// SPDX-License-Identifier: MIT
#include "interpreter_side.hpp"

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "recycler.hpp"

namespace spawning::python {
namespace {

SubInterpreter& inside_of(PyObject* self) { return *unbox<SubInterpreter*>(self); }

// The worker of one that has something to answer.
Worker* worker_of(PyObject* self) {
  Worker* const worker = inside_of(self).duty().worker;
  if (worker == nullptr) PyErr_SetString(PyExc_RuntimeError, "there is no worker");
  return worker;
}

// Of a sequence of `bytes`; nothing, with an exception, if it is none.
std::optional<std::vector<std::string>> texts_of(PyObject* sequence) {
  const PyRef items = PyRef::steal(PySequence_Tuple(sequence));
  if (!items) return std::nullopt;
  std::vector<std::string> texts;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(items.get()); ++i) {
    PyObject* const item = PyTuple_GET_ITEM(items.get(), i);
    if (!PyBytes_Check(item)) {
      PyErr_SetString(PyExc_TypeError, "expected names of files as bytes");
      return std::nullopt;
    }
    texts.emplace_back(octets_of(item));
  }
  return texts;
}

PyObject* failed(PyObject* self, PyObject* arguments) {
  const char *summary = nullptr, *traceback = nullptr;
  PyObject* files = nullptr;
  if (PyArg_ParseTuple(arguments, "ssO", &summary, &traceback, &files) == 0) return nullptr;
  auto names = texts_of(files);
  if (!names) return nullptr;
  inside_of(self).failed(GilHeld::by_caller(), {summary, traceback, std::move(*names)});
  Py_RETURN_NONE;
}

PyObject* broken(PyObject* self, PyObject* exception) {
  inside_of(self).broken(GilHeld::by_caller(), exception);
  Py_RETURN_NONE;
}

PyObject* ended(PyObject* self, PyObject*) {
  inside_of(self).ended();
  Py_RETURN_NONE;
}

PyObject* ready(PyObject* self, PyObject* arguments) {
  PyObject* application = nullptr;
  int multithread = 0, multiprocess = 0;
  if (PyArg_ParseTuple(arguments, "Opp", &application, &multithread, &multiprocess) == 0)
    return nullptr;
  const bool to_serve = inside_of(self).ready(GilHeld::by_caller(), application,
                                              {multithread != 0, multiprocess != 0});
  return PyErr_Occurred() != nullptr ? nullptr : PyBool_FromLong(to_serve ? 1 : 0);
}

PyObject* show_while(PyObject* self, PyObject* function) {
  std::optional<ThreadStacks::Shown> shown;
  if (ThreadStacks* const stacks = inside_of(self).duty().stacks) shown.emplace(*stacks);
  return PyObject_CallNoArgs(function);
}

PyObject* serve_requests(PyObject* self, PyObject*) {
  if (worker_of(self) == nullptr) return nullptr;
  inside_of(self).serve_requests(GilHeld::by_caller());
  Py_RETURN_NONE;
}

PyObject* report_modules(PyObject* self, PyObject* files) {
  auto names = texts_of(files);
  if (!names) return nullptr;
  Worker* const worker = inside_of(self).duty().worker;
  if (worker != nullptr) worker->report_modules(std::move(*names));
  Py_RETURN_NONE;
}

PyObject* drain(PyObject* self, PyObject*) {
  if (Worker* const worker = inside_of(self).duty().worker) worker->drain();
  Py_RETURN_NONE;
}

PyObject* fileno(PyObject* self, PyObject*) {
  const Worker* const worker = worker_of(self);
  return worker == nullptr ? nullptr : PyLong_FromLong(worker->finished_fd());
}

PyObject* attention(PyObject* self, PyObject*) {
  return PyLong_FromLong(inside_of(self).handler().gone_clients().fileno());
}

PyObject* attend(PyObject* self, PyObject*) {
  const bool again = inside_of(self).handler().gone_clients().attend(GilHeld::by_caller());
  return PyBool_FromLong(again ? 1 : 0);
}

PyObject* settings(PyObject* self, void*) {
  const std::string& text = inside_of(self).duty().settings;
  return PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), nullptr);
}

PyObject* slot(PyObject* self, void*) {
  const Worker* const worker = worker_of(self);
  return worker == nullptr ? nullptr : PyLong_FromUnsignedLong(worker->slot());
}

PyObject* generation(PyObject* self, void*) {
  const Worker* const worker = worker_of(self);
  return worker == nullptr ? nullptr : PyLong_FromUnsignedLongLong(worker->generation());
}

}  // namespace

PyRef make_interpreter_side(const GilHeld& gil, SubInterpreter& inside) {
  // CPython refers to these for as long as there is an interpreter.
  static std::array<PyMethodDef, 12> methods{{
      {"failed", &failed, METH_VARARGS, nullptr},
      {"broken", &broken, METH_O, nullptr},
      {"ended", &ended, METH_NOARGS, nullptr},
      {"show_while", &show_while, METH_O, nullptr},
      {"ready", &ready, METH_VARARGS, nullptr},
      {"serve_requests", &serve_requests, METH_NOARGS, nullptr},
      {"report_modules", &report_modules, METH_O, nullptr},
      {"drain", &drain, METH_NOARGS, nullptr},
      {"fileno", &fileno, METH_NOARGS, nullptr},
      {"attention", &attention, METH_NOARGS, nullptr},
      {"attend", &attend, METH_NOARGS, nullptr},
      {nullptr, nullptr, 0, nullptr},
  }};
  static std::array<PyGetSetDef, 4> attributes{{
      {"settings", &settings, nullptr, nullptr, nullptr},
      {"slot", &slot, nullptr, nullptr, nullptr},
      {"generation", &generation, nullptr, nullptr, nullptr},
      {nullptr, nullptr, nullptr, nullptr, nullptr},
  }};
  Recycler<SubInterpreter*> type{
      gil,
      "spawning._native.Interpreter",
      {{Py_tp_methods, methods.data()}, {Py_tp_getset, attributes.data()}}};
  PyRef side = type.type() == nullptr ? PyRef{} : type.take(gil);
  if (side) unbox<SubInterpreter*>(side.get()) = &inside;
  return side;
}

}  // namespace spawning::python
