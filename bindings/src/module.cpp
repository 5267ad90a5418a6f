// SPDX-License-Identifier: MIT
/// \file
/// `spawning._native`: what is written in C++ of the Python package. Its stub is `_native.pyi`.

#include <pybind11/pybind11.h>

#include "py_server.hpp"
#include "py_worker.hpp"

PYBIND11_MODULE(_native, module) {
  module.doc() = "The native part of spawning.";
  module.attr("__version__") = SPAWNING_VERSION;
  spawning::python::define_worker(module);
  spawning::python::define_server(module);
}
