// SPDX-License-Identifier: MIT
#include "top/figures.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

namespace spawning {
namespace {

constexpr double kMost = 1e15;  // what is larger is no figure of a service

std::string two_digits(std::uint64_t number) {
  return (number < 10 ? "0" : "") + std::to_string(number);
}

// Three digits that matter, and a letter.
std::string scaled(double value, double step, std::string_view letters) {
  std::size_t letter = 0;
  while (value >= 999.5 && letter + 1 < letters.size()) {
    value /= step;
    ++letter;
  }
  std::string text = decimal_text(value, value < 9.95 && letter > 0 ? 1 : 0);
  if (letters[letter] != ' ') text += letters[letter];
  return text;
}

}  // namespace

std::string decimal_text(double value, int digits) {
  std::array<char, 32> text{};
  const auto [end, error] =
      std::to_chars(text.data(), text.data() + text.size(), std::clamp(value, 0.0, kMost),
                    std::chars_format::fixed, digits);
  return {text.data(), end};
}

std::string rate_text(double a_second) {
  if (a_second < 99.95) return decimal_text(a_second, 1);
  if (a_second < 99'999.5) return decimal_text(a_second, 0);
  return scaled(a_second, 1000, " kMGT");
}

std::string octets_text(double octets) { return scaled(octets, 1024, "BKMGT"); }

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::clamp(seconds, 0.0, kMost));
  const std::uint64_t minutes = whole / 60, hours = minutes / 60, days = hours / 24;
  if (minutes == 0) return std::to_string(whole) + "s";
  if (hours == 0) return std::to_string(minutes) + "m" + two_digits(whole % 60) + "s";
  if (days == 0) return std::to_string(hours) + "h" + two_digits(minutes % 60) + "m";
  return std::to_string(days) + "d" + two_digits(hours % 24) + "h";
}

std::string latency_text(double seconds) {
  const bool long_one = seconds >= 1;
  std::string text = decimal_text(long_one ? seconds : seconds * 1000, 1);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text + (long_one ? " s" : " ms");
}

}  // namespace spawning
