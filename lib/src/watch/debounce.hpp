// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Many changes in a row, told once.

#include <chrono>
#include <optional>

namespace spawning {

/// Decides when a burst of changes is over: after `quiet` without another one, and, where they
/// never cease, `longest_wait` after the first. Owns no timer and reads no clock.
///
/// \par Threads  A value; one thread at a time.
class Debounce {
 public:
  using Time = std::chrono::steady_clock::time_point;

  Debounce(std::chrono::milliseconds quiet, std::chrono::milliseconds longest_wait)
      : quiet_{quiet}, longest_wait_{longest_wait} {}

  /// Something has changed.
  void change(Time now);

  /// When due() will say so, if nothing changes until then; none if nothing has changed.
  [[nodiscard]] std::optional<Time> deadline() const;

  /// Whether the burst is over; once a burst.
  [[nodiscard]] bool due(Time now);

 private:
  std::chrono::milliseconds quiet_, longest_wait_;
  std::optional<Time> first_, last_;  // of this burst
};

}  // namespace spawning
