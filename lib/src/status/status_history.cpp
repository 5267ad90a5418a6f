// SPDX-License-Identifier: MIT
#include "status/status_history.hpp"

#include <algorithm>

namespace spawning {
namespace {

using Seconds = std::chrono::duration<double>;

void add_rates(StatusHistory::Point& point, const Tally& now, const Tally& before, Seconds time) {
  const auto per_second = [time](std::uint64_t count) {
    return static_cast<double>(count) / time.count();
  };
  point.answers_per_second = per_second(now.answers() - before.answers());
  point.errors_per_second = per_second(now.server_errors() - before.server_errors());
  DurationTally durations = now.duration;
  durations -= before.duration;
  point.median = durations.quantile(.5);
  point.percentile_99 = durations.quantile(.99);
}

}  // namespace

void StatusHistory::add(const StatusSample& sample, Time now) {
  Point point;
  point.connections = sample.connections;
  point.running = sample.running;
  point.queued = sample.queued;
  if (sample.memory) point.memory = sample.memory->count;
  if (!points_.empty()) {
    const Seconds since = now - last_;
    const auto steps = static_cast<std::size_t>(std::max(0.0, since / kStep + .5));
    for (std::size_t missed = 1; missed < std::min(steps, kMost); ++missed) push({});
    if (steps == 1) add_rates(point, sample.totals, totals_, since);
  }
  push(point);
  totals_ = sample.totals;
  last_ = now;
}

void StatusHistory::push(const Point& point) {
  if (points_.size() == kMost) points_.pop_front();
  points_.push_back(point);
}

}  // namespace spawning
