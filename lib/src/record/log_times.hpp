// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Times as the access log writes them.

#include <string>
#include <string_view>

#include "spawning/log_format.hpp"

namespace spawning {

/// The step for `%t` and `%{format}t`: Apache's `begin:` and `end:`, `sec`, `msec`, `usec`,
/// `msec_frac` and `usec_frac`, or a format of strftime(3) in local time. "": `[22/Nov/2026:02:03:04
/// +0100]`.
[[nodiscard]] LogStep time_step(std::string_view format);

/// Appends "2026-11-22T01:03:04.123456Z", by RFC 3339, of the request's beginning.
void append_timestamp(LogStep& step, const LogEntry& entry, std::string& line);

}  // namespace spawning
