// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// How a worker serves HTTP, as Python says it.

#include <pybind11/pybind11.h>

#include "spawning/config.hpp"

namespace spawning::python {

/// What `settings` say, and the defaults for what they do not say. Their names are those of the
/// options, with underscores: sizes in octets and times in seconds, as numbers; "no_keepalive",
/// "proxy_protocol" and "request_id" as bool; "header_map", "server_header" and "forwarded_allow_ips" as text.
///
/// Raises TypeError that names the setting if there is none of that name or its value is of another
/// type, and ValueError if it is out of range.
[[nodiscard]] HttpConfig read_http_settings(const pybind11::dict& settings);

}  // namespace spawning::python
