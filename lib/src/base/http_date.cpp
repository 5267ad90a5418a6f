// SPDX-License-Identifier: MIT
#include "base/http_date.hpp"

#include <algorithm>

namespace spawning {
namespace {

constexpr std::string_view kDays = "SunMonTueWedThuFriSat";
constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";

}  // namespace

std::string_view HttpDate::at(std::chrono::system_clock::time_point now) {
  const auto second = std::chrono::floor<std::chrono::seconds>(now);
  if (second != formatted_) format(second);
  return {text_.data(), text_.size()};
}

void HttpDate::format(std::chrono::sys_seconds second) {
  const auto day = std::chrono::floor<std::chrono::days>(second);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{second - day};
  char* at = text_.data();
  const auto text = [&at](std::string_view part) { at = std::copy(part.begin(), part.end(), at); };
  const auto two_digits = [&at](unsigned number) {
    *at++ = static_cast<char>('0' + number / 10 % 10);
    *at++ = static_cast<char>('0' + number % 10);
  };
  const auto year = static_cast<unsigned>(static_cast<int>(date.year()));

  text(kDays.substr(std::chrono::weekday{day}.c_encoding() * 3, 3));
  text(", ");
  two_digits(static_cast<unsigned>(date.day()));
  text(" ");
  text(kMonths.substr((static_cast<unsigned>(date.month()) - 1) * 3, 3));
  text(" ");
  two_digits(year / 100);
  two_digits(year % 100);
  text(" ");
  two_digits(static_cast<unsigned>(time.hours().count()));
  text(":");
  two_digits(static_cast<unsigned>(time.minutes().count()));
  text(":");
  two_digits(static_cast<unsigned>(time.seconds().count()));
  text(" GMT");
  formatted_ = second;
}

}  // namespace spawning
