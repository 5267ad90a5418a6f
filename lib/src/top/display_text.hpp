// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Text from anywhere, so that a terminal shows it and does nothing else.

#include <cstddef>
#include <string>
#include <string_view>

namespace spawning {

/// A text and how many columns of a terminal it takes.
struct DisplayText {
  std::string text;
  std::size_t columns = 0;
};

/// `octets` on one line of at most `most` columns; what does not fit is left out, and a "…" says so.
///
/// Control characters are shown as their pictures (ESC as ␛), and as U+FFFD whatever else is no
/// character to be seen: octets that are no UTF-8, C1 controls, what turns the direction of writing or
/// has no width, more than two accents on one letter.
/// \see wcwidth(3)
[[nodiscard]] DisplayText display_text(std::string_view octets, std::size_t most);

}  // namespace spawning
