// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The one Python module that a request needs: `spawning.file_wrapper`.

#include "gil.hpp"
#include "py_ref.hpp"

namespace spawning::python {

/// The package's own or, where there is no package, as in a C++ program with Python in it, one that is
/// made of the same source. Null with an exception set if it cannot be had.
[[nodiscard]] PyRef file_wrapper_module(const GilHeld& gil);

/// What stands in spawning/file_wrapper.py, compiled in by bindings/CMakeLists.txt.
extern const char* const kFileWrapperSource;

}  // namespace spawning::python
