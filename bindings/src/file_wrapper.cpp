// SPDX-License-Identifier: MIT
#include "file_wrapper.hpp"

namespace spawning::python {

// Made once: it is found among the modules from then on.
PyRef file_wrapper_module(const GilHeld&) {
  constexpr const char* kName = "spawning.file_wrapper";
  PyRef module = PyRef::steal(PyImport_ImportModule(kName));
  if (module || PyErr_ExceptionMatches(PyExc_ModuleNotFoundError) == 0) return module;
  PyErr_Clear();
  const PyRef code =
      PyRef::steal(Py_CompileString(kFileWrapperSource, "spawning/file_wrapper.py", Py_file_input));
  return code ? PyRef::steal(PyImport_ExecCodeModule(kName, code.get())) : PyRef{};
}

}  // namespace spawning::python
