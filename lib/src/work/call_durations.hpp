// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// How long calls are expected to take.

#include <array>
#include <chrono>
#include <cstdint>
#include <string_view>

namespace spawning {

/// Learns how long calls take by their routes, the beginnings of their paths, and which of them are brief
/// beside those that take up most of the time. Routes have a limited number of places: of two that
/// share one, the latest is known.
///
/// \par Threads  One at a time.
class CallDurations {
 public:
  using Microseconds = std::chrono::microseconds;

  struct Expectation {
    /// Of a route that is not known: as of those that take up the time.
    Microseconds duration{};
    /// Less than a quarter of what calls take that take up the time, where those take long.
    bool brief = false;
  };

  /// A hash of the first two segments, which calls have in common that are taken for the same.
  [[nodiscard]] static std::uint64_t route_of(std::string_view path);

  /// What a call counts as that has taken so long: no more than a tenth of a second, or a stream of
  /// hours would make everything else brief.
  [[nodiscard]] static Microseconds counted(std::chrono::nanoseconds took);

  [[nodiscard]] Expectation of(std::uint64_t route) const;

  /// A call of this route counts as so long.
  void note(std::uint64_t route, Microseconds took);

  /// Whether a call has taken long, a millisecond or more, since this was last asked.
  [[nodiscard]] bool seen_long();

 private:
  struct Known {
    std::uint64_t route = 0;
    double microseconds = 0;  // a moving average
  };

  [[nodiscard]] Microseconds of_most_of_the_time() const;

  std::array<Known, 512> known_{};
  // Sums of durations and of their squares, of late: their ratio is an average by the time taken.
  double sum_ = 0, squares_ = 0;
  bool seen_long_ = false;
};

}  // namespace spawning
