// SPDX-License-Identifier: MIT
#include "top/top_rates.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <numeric>
#include <utility>

namespace spawning {
namespace {

bool comparable(const ObservedStatus& now, const ObservedStatus& before) {
  return now.pid == before.pid && now.started_at == before.started_at &&
         now.uptime > before.uptime && now.answers >= before.answers;
}

double grown(std::uint64_t now, std::uint64_t before) {
  return now > before ? static_cast<double>(now - before) : 0;
}

// a / b, and 0 for what has not lasted.
double ratio(double amount, double seconds) { return seconds > 0 ? amount / seconds : 0; }

// Requests by bucket between two samples.
std::vector<std::uint64_t> new_durations(const ObservedStatus& now, const ObservedStatus& before) {
  std::vector<std::uint64_t> counts = now.duration_counts;
  if (now.duration_bounds != before.duration_bounds) return counts;
  for (std::size_t i = 0; i < counts.size(); ++i)
    counts[i] -= std::min(counts[i], before.duration_counts[i]);
  return counts;
}

std::optional<double> percentile(const std::vector<double>& bounds,
                                 const std::vector<std::uint64_t>& counts, double part) {
  const auto total = static_cast<double>(std::accumulate(counts.begin(), counts.end(), 0ULL));
  if (total == 0) return std::nullopt;
  double seen = 0;
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    seen += static_cast<double>(counts[i]);
    if (seen >= part * total) return bounds[i];
  }
  return std::numeric_limits<double>::infinity();
}

// A worker that the sample before did not have has done everything since it was started.
WorkerRates rates_of_worker(const WorkerSample& now, const ObservedStatus* before, double seconds) {
  WorkerSample earlier;
  double passed = now.uptime;
  if (before != nullptr) {
    const auto found = std::ranges::find(before->workers, now.pid, &WorkerSample::pid);
    if (found != before->workers.end()) {
      earlier = *found;
      passed = seconds;
    }
  }
  return {100 * ratio(std::max(0.0, now.cpu_seconds - earlier.cpu_seconds), passed),
          ratio(grown(now.answers, earlier.answers), passed)};
}

}  // namespace

TopRates rates_of(const ObservedStatus& now, const ObservedStatus* before) {
  if (before != nullptr && !comparable(now, *before)) before = nullptr;
  const ObservedStatus beginning;
  const ObservedStatus& then = before == nullptr ? beginning : *before;
  const double seconds = now.uptime - then.uptime;
  TopRates rates;
  rates.since_start = before == nullptr;
  rates.answers = ratio(grown(now.answers, then.answers), seconds);
  rates.server_errors = ratio(grown(now.server_errors, then.server_errors), seconds);
  rates.refused = ratio(grown(now.refused, then.refused), seconds);
  rates.timed_out = ratio(grown(now.timed_out, then.timed_out), seconds);
  rates.body_octets = ratio(grown(now.body_octets, then.body_octets), seconds);
  for (const WorkerSample& worker : now.workers) {
    rates.workers.push_back(rates_of_worker(worker, before, seconds));
    rates.cpu_percent += rates.workers.back().cpu_percent;
  }
  const std::vector<std::uint64_t> durations = new_durations(now, then);
  rates.median = percentile(now.duration_bounds, durations, .5);
  rates.percentile_99 = percentile(now.duration_bounds, durations, .99);
  return rates;
}

}  // namespace spawning
