// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Text that may be no text.

#include <cstddef>
#include <string>
#include <string_view>

namespace spawning {

/// How many octets the well-formed UTF-8 sequence has that `octets` begins with; 0: there is none.
/// \see RFC 3629 §4
[[nodiscard]] std::size_t utf8_sequence_length(std::string_view octets);

/// `octets` with U+FFFD in place of each octet that is not part of well-formed UTF-8 (RFC 3629: no
/// surrogates, nothing overlong, nothing above U+10FFFF).
[[nodiscard]] std::string valid_utf8(std::string_view octets);

}  // namespace spawning
