// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What can stand in a line of the access log.

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "spawning/log_format.hpp"

namespace spawning {

/// The step for `%letter` or `%{argument}letter`. \throws StartupError that names it, if there is none.
[[nodiscard]] LogStep directive_step(char letter, std::string_view argument);

/// The step for a text that stands in every line.
[[nodiscard]] LogStep literal_step(std::string text);

/// The step that is the whole line of the format `json`.
[[nodiscard]] LogStep json_step();

/// The status of the answer, 499 for a client that went before there was one, 0 if there was none.
[[nodiscard]] unsigned logged_status(const ExchangeRecord& record);

/// "complete", "client_gone": the enumerator's name. A constant.
[[nodiscard]] std::string_view to_string(Outcome outcome);

/// `host` without a port.
[[nodiscard]] std::string_view without_port(std::string_view host);

/// Appends digits.
template <typename Number>
void append_number(Number number, std::string& line) {
  char digits[24];
  line.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

/// Appends `number` with leading zeros, `width` digits at least.
void append_padded(std::uint64_t number, int width, std::string& line);

/// Appends seconds with six decimals: "0.001234".
void append_seconds(std::chrono::steady_clock::duration time, std::string& line);

}  // namespace spawning
