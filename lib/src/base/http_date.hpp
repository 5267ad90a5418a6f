// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The time as HTTP writes it. RFC 9110 §5.6.7.

#include <array>
#include <chrono>
#include <string_view>

namespace spawning {

/// Formats the time as an IMF-fixdate, "Sun, 06 Nov 1994 08:49:37 GMT", once a second.
/// Needs no locale and no time zone, allocates nothing. \par Threads  None of its own.
class HttpDate {
 public:
  /// \param now  between the years 0 and 9999.
  /// \returns a view that is valid until the next call.
  [[nodiscard]] std::string_view at(std::chrono::system_clock::time_point now);

 private:
  void format(std::chrono::sys_seconds second);

  std::array<char, 29> text_{};
  std::chrono::sys_seconds formatted_ = std::chrono::sys_seconds::min();
};

}  // namespace spawning
