// SPDX-License-Identifier: MIT
#include "supervise/trouble_digest.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

namespace spawning {
namespace {

using namespace std::chrono_literals;

constexpr auto kSummaryEvery = 10s;
constexpr double kLinesPerSecond = 20.0 / 60;  // with those that may come at once: fifty a minute

static_assert(kSummaryEvery.count() * kLinesPerSecond >= 1, "a summary must be paid for as well");

// In the order of Trouble.
constexpr const char* kWhatTheyDid[] = {"could not load the application",
                                        "took too long to get ready",
                                        "ended before being ready",
                                        "died",
                                        "closed the channel to their supervisor before being ready",
                                        "closed the channel to their supervisor",
                                        "left unasked"};
static_assert(static_cast<int>(Trouble::load_failure) == 0 &&
              static_cast<int>(Trouble::boot_timeout) == 1 &&
              static_cast<int>(Trouble::death_before_ready) == 2 &&
              static_cast<int>(Trouble::death) == 3 &&
              static_cast<int>(Trouble::hang_up_before_ready) == 4 &&
              static_cast<int>(Trouble::hang_up) == 5 && static_cast<int>(Trouble::leaving) == 6);

}  // namespace

TroubleDigest::Verdict TroubleDigest::report(Trouble trouble, std::string line,
                                             std::size_t traceback, Time now) {
  earn(now);
  const double whole = 1 + static_cast<double>(traceback);
  const bool quiet = lines_ >= kMostLines;
  const bool waiting = next_deadline().has_value();  // in order: nothing overtakes them
  if (!waiting && (quiet || lines_ >= whole)) {
    lines_ -= whole;
    return Verdict::whole;
  }
  if (!waiting && lines_ >= 1) {
    lines_ -= 1;
    return Verdict::line;
  }
  if (!waiting) since_ = now;
  ++kept_back_[static_cast<std::size_t>(trouble)];
  last_ = std::move(line);
  return Verdict::later;
}

std::optional<TroubleDigest::Time> TroubleDigest::next_deadline() const {
  const bool any = std::ranges::any_of(kept_back_, [](unsigned count) { return count > 0; });
  return any ? std::optional{since_ + kSummaryEvery} : std::nullopt;
}

std::string TroubleDigest::summary(Time now) {
  if (!next_deadline()) return "";
  earn(now);
  lines_ -= 1;
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(now - since_).count();
  std::string text = "in the last " + std::to_string(std::max<long>(seconds, 1)) + " s";
  const char* separator = " also ";
  for (std::size_t i = 0; i < kept_back_.size(); ++i) {
    const unsigned count = std::exchange(kept_back_[i], 0);
    if (count == 0) continue;
    text += std::exchange(separator, ", ") + std::to_string(count) +
            (count == 1 ? " worker " : " workers ") + kWhatTheyDid[i];
  }
  return text + "; the last: " + std::exchange(last_, {});
}

void TroubleDigest::earn(Time now) {
  const std::chrono::duration<double> passed = now - earned_.value_or(now);
  earned_ = now;
  lines_ = std::min(lines_ + passed.count() * kLinesPerSecond, kMostLines);
}

}  // namespace spawning
