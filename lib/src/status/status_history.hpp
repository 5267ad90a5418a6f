// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// How a service has been in the last ten minutes.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "spawning/status_report.hpp"

namespace spawning {

/// Makes samples into points of charts, and keeps the latest ones. Reads no clock.
///
/// \par Threads  A value; one thread at a time.
class StatusHistory {
 public:
  using Time = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::seconds kStep{5};  ///< between two points
  static constexpr std::size_t kMost = 120;        ///< points that are kept: ten minutes

  /// The end of one step. What is not known is empty: everything, where there was no sample.
  struct Point {
    std::optional<double> answers_per_second, errors_per_second;  ///< all, 5xx; within the step
    std::optional<double> median, percentile_99;  ///< of durations, in seconds; within the step
    std::optional<std::uint64_t> connections, running, queued, memory;
  };

  /// To be called once a step. Samples that are late leave out as many points as were missed, and
  /// say nothing about what happened meanwhile.
  void add(const StatusSample& sample, Time now);

  /// Oldest first, one a step.
  [[nodiscard]] const std::deque<Point>& points() const { return points_; }

  /// When the newest point was taken.
  [[nodiscard]] Time last() const { return last_; }

 private:
  void push(const Point& point);

  std::deque<Point> points_;
  Tally totals_;  // at the last sample
  Time last_;
};

}  // namespace spawning
