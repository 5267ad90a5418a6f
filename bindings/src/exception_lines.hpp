// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What a log says of a Python exception.

#include <Python.h>

#include <string>

#include "gil.hpp"

namespace spawning::python {

/// The lines that Python itself would print for `exception`, with a newline behind each; without what it
/// came from (`__cause__`, `__context__`) and notes if the module `traceback` cannot be loaded. No Python
/// exception is set afterwards, and one that was is lost.
[[nodiscard]] std::string lines_of(const GilHeld& gil, PyObject* exception);

}  // namespace spawning::python
