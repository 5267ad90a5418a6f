// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// A service's settings, as workers get them.

#include <pybind11/pybind11.h>

#include <string_view>

namespace spawning::python {

/// The objects that Python has for those of `text`, which is JSON (RFC 8259); the module `json` would be
/// a tenth of what a worker loads by itself.
///
/// Raises ValueError that says where `text` is not JSON, and UnicodeDecodeError where it is not UTF-8.
[[nodiscard]] pybind11::object read_worker_settings(std::string_view text);

}  // namespace spawning::python
