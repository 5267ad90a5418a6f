// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Status lines, the usual phrases, and bodies made of them. RFC 9112 §4, RFC 9110 §15, IANA's status code registry.

#include <string>
#include <string_view>

namespace spawning {

/// "HTTP/1.1 404 Not Found\r\n", or "" if the status has no usual phrase. A constant.
[[nodiscard]] std::string_view status_line(unsigned status);

/// "Not Found"; "Unknown" if the status has no usual phrase. A constant.
[[nodiscard]] std::string_view usual_phrase(unsigned status);

/// The body of an answer that the server gives by itself: "400 Bad Request\n". Says nothing of the
/// rule that was broken, which is for the log.
[[nodiscard]] std::string status_body(unsigned status);

}  // namespace spawning
