// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Text that may be no text.

#include <string>
#include <string_view>

namespace spawning {

/// `octets` with U+FFFD in place of each octet that is not part of well-formed UTF-8 (RFC 3629: no
/// surrogates, nothing overlong, nothing above U+10FFFF).
[[nodiscard]] std::string valid_utf8(std::string_view octets);

}  // namespace spawning
