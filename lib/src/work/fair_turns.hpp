// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Whether brief calls may overtake others.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

namespace spawning {

/// Shares time between brief calls and usual ones by start-time fair queueing: while both wait, brief ones
/// may overtake for as long as they have had no more than a quarter of it. Who has none waiting saves
/// nothing up.
///
/// \par Threads  One at a time.
/// \see Goyal, Vin, Cheng: Start-time Fair Queuing (1996)
class FairTurns {
 public:
  /// The first call of those that wait and are `brief`, or are not.
  void arrives(bool brief) { tags_[brief] = std::max(tags_[brief], now_); }

  /// Whether a brief call may overtake those that are not.
  [[nodiscard]] bool brief_may_overtake() const { return tags_[true] <= tags_[false]; }

  /// Such a call is run, and is expected to take so long.
  void takes(bool brief, std::chrono::microseconds expected) {
    now_ = tags_[brief];
    correct(brief, expected);
  }

  /// It has taken so much more, or less, than was expected.
  void correct(bool brief, std::chrono::microseconds difference) {
    tags_[brief] += difference.count() * kPrices[brief];
  }

 private:
  // What a microsecond costs: three times as much of those that are to have a third as many.
  static constexpr std::array<std::int64_t, 2> kPrices{1, 3};

  std::array<std::int64_t, 2> tags_{};  // when the next of each begins, in virtual time
  std::int64_t now_ = 0;                // that of the call that has begun last
};

}  // namespace spawning
