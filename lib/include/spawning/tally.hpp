// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What has been counted of exchanges, of one worker or of many.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "spawning/export.hpp"
#include "spawning/refusal.hpp"

namespace SPAWNING_EXPORT spawning {

/// The methods that are counted apart; the last one stands for all others.
inline constexpr std::array<std::string_view, 8> kCountedMethods{
    "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "other"};

/// Its place in kCountedMethods.
[[nodiscard]] std::size_t counted_method(std::string_view method);

/// How long things took, in buckets.
struct DurationTally {
  /// The upper bounds, in seconds, of all buckets but the last, which has none.
  static constexpr std::array<double, 16> kBounds{.0005, .001, .0025, .005, .01, .025, .05, .1,
                                                  .25,   .5,   1,     2.5,  5,   10,   30,  60};
  static constexpr std::size_t kBuckets = kBounds.size() + 1;

  std::array<std::uint64_t, kBuckets> counts{};
  std::uint64_t nanoseconds = 0;  ///< all together

  /// The bucket of a duration: the first one whose bound is not below it.
  [[nodiscard]] static std::size_t bucket_of(std::chrono::nanoseconds duration);

  /// What that share of them, 0 to 1, stayed within, in seconds, as if those of a bucket were spread
  /// evenly over it; of the last bucket, its lower bound. Empty if there are none.
  [[nodiscard]] std::optional<double> quantile(double share) const;

  DurationTally& operator+=(const DurationTally& other);
  /// What has come since `earlier` was the state of the same tally.
  DurationTally& operator-=(const DurationTally& earlier);
  friend bool operator==(const DurationTally&, const DurationTally&) = default;
};

/// A value. Every number only grows.
struct Tally {
  /// By kCountedMethods and class of status: [0][2] counts 2xx of GET; class 0: no head was sent.
  std::array<std::array<std::uint64_t, 6>, kCountedMethods.size()> exchanges{};
  DurationTally duration{};    ///< from a complete request to the end of its response
  DurationTally queue_time{};  ///< of that, before work on it began
  std::uint64_t body_octets_sent = 0;
  std::uint64_t connections_accepted = 0;
  std::uint64_t aborted = 0, client_gone = 0, refused = 0, timed_out = 0;  ///< \see Outcome
  std::array<std::uint64_t, kRefusalReasons> refusals{};  ///< of the last two, by RefusalReason
  std::uint64_t fields_dropped = 0;                       ///< \see HeaderMap::drop
  std::uint64_t hub_stalls = 0;                           ///< \see GreenOptions::stall

  [[nodiscard]] std::uint64_t answers() const;        ///< all exchanges together
  [[nodiscard]] std::uint64_t server_errors() const;  ///< 5xx of all methods

  Tally& operator+=(const Tally& other);
  friend bool operator==(const Tally&, const Tally&) = default;
};

}  // namespace spawning
