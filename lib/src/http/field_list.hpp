// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Field values that are comma-separated lists. RFC 9110 §5.6.1.

#include <cstdint>
#include <string_view>

#include "http/octets.hpp"

namespace spawning {

/// The elements of a list of which none contains a comma, so not of quoted strings. Empty ones are
/// elements.
class FieldList {
 public:
  explicit FieldList(std::string_view value) : rest_{value} {}

  /// Sets `element` to the next one, without the blanks around it. False if there is none.
  [[nodiscard]] bool next(std::string_view& element) {
    if (ended_) return false;
    const auto comma = rest_.find(',');
    element = octets::trim(rest_.substr(0, comma));
    ended_ = comma == rest_.npos;
    rest_.remove_prefix(ended_ ? rest_.size() : comma + 1);
    return true;
  }

 private:
  std::string_view rest_;
  bool ended_ = false;
};

/// Reads `1*DIGIT`. False if `text` is anything else or the number does not fit.
[[nodiscard]] inline bool parse_decimal(std::string_view text, std::uint64_t& number) {
  number = 0;
  for (const char c : text) {
    if (!octets::is_digit(c)) return false;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (number > (UINT64_MAX - digit) / 10) return false;
    number = number * 10 + digit;
  }
  return !text.empty();
}

}  // namespace spawning
