// SPDX-License-Identifier: MIT
#include "exception_lines.hpp"

#include "py_ref.hpp"

namespace spawning::python {
namespace {

PyRef attribute_of(const char* module_name, const char* name) {
  const PyRef module = PyRef::steal(PyImport_ImportModule(module_name));
  if (!module) return {};
  return PyRef::steal(PyObject_GetAttrString(module.get(), name));
}

std::string utf8(PyObject* text) {
  // Not "strict": a traceback may quote a file with surrogates in it.
  const PyRef octets = PyRef::steal(PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace"));
  return octets ? std::string{octets_of(octets.get())} : std::string{};
}

// As the module `traceback` formats it, which is loaded only now: most workers do without. "" if it
// cannot be.
std::string formatted(PyObject* exception, PyObject* traceback) {
  const PyRef format = attribute_of("traceback", "format_exception");
  const PyRef list = format ? PyRef::steal(PyObject_CallFunctionObjArgs(
                                  format.get(), reinterpret_cast<PyObject*>(Py_TYPE(exception)),
                                  exception, traceback != nullptr ? traceback : Py_None, nullptr))
                            : PyRef{};
  if (!list || !PyList_Check(list.get())) return {};
  const PyRef empty = latin1("");
  const PyRef joined = empty ? PyRef::steal(PyUnicode_Join(empty.get(), list.get())) : PyRef{};
  return joined ? utf8(joined.get()) : std::string{};
}

// Without any module that might have to be loaded, for which no descriptor may be left.
std::string printed(PyObject* exception, PyObject* traceback) {
  std::string lines;
  const PyRef make_text = attribute_of("io", "StringIO");
  const PyRef text = make_text ? PyRef::steal(PyObject_CallNoArgs(make_text.get())) : PyRef{};
  if (text && traceback != nullptr && PyTraceBack_Print(traceback, text.get()) == 0) {
    const PyRef value = PyRef::steal(PyObject_CallMethod(text.get(), "getvalue", nullptr));
    if (value) lines = utf8(value.get());
  }
  PyErr_Clear();
  lines += Py_TYPE(exception)->tp_name;
  const PyRef said = PyRef::steal(PyObject_Str(exception));
  if (said) lines += ": " + utf8(said.get());
  return lines + '\n';
}

}  // namespace

std::string lines_of(const GilHeld&, PyObject* exception) {
  return calling_python([exception] {
    const PyRef traceback = PyRef::steal(PyException_GetTraceback(exception));
    std::string lines = formatted(exception, traceback.get());
    PyErr_Clear();
    if (lines.empty()) lines = printed(exception, traceback.get());
    PyErr_Clear();
    return lines;
  });
}

}  // namespace spawning::python
