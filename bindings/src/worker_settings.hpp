// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// A service's settings, as workers get them.

#include <pybind11/pybind11.h>

#include <string_view>

namespace spawning::python {

/// What `json.loads(text)` gives; the module `json` is a tenth of what a worker would load by itself.
///
/// Raises ValueError that says where `text` is not JSON (RFC 8259).
[[nodiscard]] pybind11::object read_worker_settings(std::string_view text);

}  // namespace spawning::python
