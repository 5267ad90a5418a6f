// SPDX-License-Identifier: MIT
#include "spawning/tally.hpp"

#include <algorithm>
#include <functional>
#include <numeric>

namespace spawning {
namespace {

template <std::size_t N>
void add(std::array<std::uint64_t, N>& to, const std::array<std::uint64_t, N>& more) {
  std::ranges::transform(to, more, to.begin(), std::plus<>{});
}

}  // namespace

std::size_t counted_method(std::string_view method) {
  const auto* const found = std::ranges::find(kCountedMethods, method);
  return std::min(static_cast<std::size_t>(found - kCountedMethods.begin()),
                  kCountedMethods.size() - 1);
}

// Most are in the first few.
std::size_t DurationTally::bucket_of(std::chrono::nanoseconds duration) {
  const double seconds = std::chrono::duration<double>{duration}.count();
  const auto* const found =
      std::ranges::find_if(kBounds, [seconds](double bound) { return seconds <= bound; });
  return static_cast<std::size_t>(found - kBounds.begin());
}

std::optional<double> DurationTally::quantile(double share) const {
  const auto total = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  if (total == 0) return std::nullopt;
  const double wanted = share * static_cast<double>(total);
  double below = 0;
  for (std::size_t i = 0; i < kBounds.size(); ++i) {
    const auto here = static_cast<double>(counts[i]);
    const double from = i == 0 ? 0 : kBounds[i - 1];
    if (here > 0 && below + here >= wanted)
      return from + (kBounds[i] - from) * std::max(0.0, wanted - below) / here;
    below += here;
  }
  return kBounds.back();
}

DurationTally& DurationTally::operator+=(const DurationTally& other) {
  add(counts, other.counts);
  nanoseconds += other.nanoseconds;
  return *this;
}

DurationTally& DurationTally::operator-=(const DurationTally& earlier) {
  std::ranges::transform(counts, earlier.counts, counts.begin(), std::minus<>{});
  nanoseconds -= earlier.nanoseconds;
  return *this;
}

std::uint64_t Tally::answers() const {
  std::uint64_t sum = 0;
  for (const auto& by_class : exchanges)
    sum = std::accumulate(by_class.begin(), by_class.end(), sum);
  return sum;
}

std::uint64_t Tally::server_errors() const {
  std::uint64_t sum = 0;
  for (const auto& by_class : exchanges) sum += by_class[5];
  return sum;
}

Tally& Tally::operator+=(const Tally& other) {
  for (std::size_t i = 0; i < exchanges.size(); ++i) add(exchanges[i], other.exchanges[i]);
  duration += other.duration;
  queue_time += other.queue_time;
  body_octets_sent += other.body_octets_sent;
  connections_accepted += other.connections_accepted;
  aborted += other.aborted;
  client_gone += other.client_gone;
  refused += other.refused;
  timed_out += other.timed_out;
  add(refusals, other.refusals);
  fields_dropped += other.fields_dropped;
  hub_stalls += other.hub_stalls;
  return *this;
}

}  // namespace spawning
