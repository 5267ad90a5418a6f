// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Status lines and the usual phrases. RFC 9112 §4, RFC 9110 §15, IANA's status code registry.

#include <string_view>

namespace spawning {

/// "HTTP/1.1 404 Not Found\r\n", or "" if the status has no usual phrase. A constant.
[[nodiscard]] std::string_view status_line(unsigned status);

/// "Not Found"; "Unknown" if the status has no usual phrase. A constant.
[[nodiscard]] std::string_view usual_phrase(unsigned status);

}  // namespace spawning
