// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// A SubInterpreter, as Python code in it sees it.

#include "gil.hpp"
#include "py_ref.hpp"
#include "sub_interpreter.hpp"

namespace spawning::python {

/// An object of a type `spawning._native.Interpreter`, whose members stand in serving/interpreter_side.py. pybind11
/// knows nothing of it: its types are for one interpreter of a process only.
///
/// Null, with a Python exception, if it cannot be made.
/// \par Lifetime  Nobody uses it longer than `inside`.
[[nodiscard]] PyRef make_interpreter_side(const GilHeld& gil, SubInterpreter& inside);

}  // namespace spawning::python
