// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What a log says of a Python exception.

#include <Python.h>

#include <string>

#include "gil.hpp"

namespace spawning::python {

/// The lines that Python itself would print for `exception`, with a newline behind each; but only where
/// it was raised, its type and its text if the module `traceback` cannot be loaded. No Python exception
/// is set afterwards, and one that was is lost.
[[nodiscard]] std::string lines_of(const GilHeld& gil, PyObject* exception);

}  // namespace spawning::python
