// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What a person types.

#include <cstdint>
#include <string>
#include <string_view>

namespace spawning {

/// Takes what a terminal sends for arrows, function keys and the like out of what it sends for
/// letters: the "A" in "\x1b[A" is none.
class KeyDecoder {
 public:
  /// The letters in what has been read, also where such a sequence comes in parts. An ESC that is the
  /// last octet was the key itself.
  [[nodiscard]] std::string letters(std::string_view octets);

 private:
  enum class Within : std::uint8_t { none, escape, sequence, function };

  Within within_ = Within::none;
};

}  // namespace spawning
