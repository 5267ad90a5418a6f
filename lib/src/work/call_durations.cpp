// SPDX-License-Identifier: MIT
#include "work/call_durations.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace spawning {
namespace {

// What others may well wait for; and what is brief beside what takes long. docs/decisions/0016
constexpr CallDurations::Microseconds kLong{1'000};
constexpr CallDurations::Microseconds kMost{100'000};
constexpr int kBriefPart = 4;

constexpr double kWeightOfTheLatest = 1.0 / 8;
constexpr double kMemory = 2e6;  // microseconds of calls; half of them are forgotten then

}  // namespace

std::uint64_t CallDurations::route_of(std::string_view path) {
  std::size_t end = 0;
  for (int segments = 0; segments < 2 && end != std::string_view::npos; ++segments)
    end = path.find('/', end + 1);
  return std::hash<std::string_view>{}(path.substr(0, end));
}

CallDurations::Microseconds CallDurations::counted(std::chrono::nanoseconds took) {
  return std::clamp(std::chrono::duration_cast<Microseconds>(took), Microseconds{1}, kMost);
}

CallDurations::Expectation CallDurations::of(std::uint64_t route) const {
  const Known& known = known_[route % known_.size()];
  const Microseconds most = of_most_of_the_time();
  if (known.route != route || known.microseconds == 0) return {most, false};
  const Microseconds expected{static_cast<std::int64_t>(known.microseconds)};
  return {expected, most >= kLong && expected * kBriefPart < most};
}

void CallDurations::note(std::uint64_t route, Microseconds took) {
  const auto microseconds = static_cast<double>(took.count());
  Known& known = known_[route % known_.size()];
  if (known.route != route) known = {route, microseconds};
  known.microseconds += (microseconds - known.microseconds) * kWeightOfTheLatest;
  sum_ += microseconds;
  squares_ += microseconds * microseconds;
  if (sum_ > kMemory) {
    sum_ /= 2;
    squares_ /= 2;
  }
  seen_long_ = seen_long_ || took >= kLong;
}

bool CallDurations::seen_long() { return std::exchange(seen_long_, false); }

CallDurations::Microseconds CallDurations::of_most_of_the_time() const {
  return Microseconds{sum_ > 0 ? static_cast<std::int64_t>(squares_ / sum_) : 0};
}

}  // namespace spawning
