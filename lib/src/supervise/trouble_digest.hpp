// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// How much is said about workers that die again and again.

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "supervise/fleet_actions.hpp"

namespace spawning {

/// Decides which reports are written as they are, and condenses the others: into one line for all
/// that came within ten seconds. Thus no minute sees more than fifty lines, however many workers
/// crash, and none is passed over in silence.
///
/// A traceback that is longer than that is written whole after a time of quiet, and paid for by
/// what follows. It reads no clock.
///
/// \par Threads  A value; one thread at a time.
class TroubleDigest {
 public:
  using Time = std::chrono::steady_clock::time_point;

  enum class Verdict : std::uint8_t {
    whole,  ///< to be written now, with its traceback
    line,   ///< to be written now, without
    later,  ///< part of the next summary
  };

  /// Somebody wants to write `line`, and below it a traceback of so many lines.
  [[nodiscard]] Verdict report(Trouble trouble, std::string line, std::size_t traceback, Time now);

  /// When summary() is to be written; none while nothing waits for it.
  [[nodiscard]] std::optional<Time> next_deadline() const;

  /// One line for what has been kept back; "" if nothing has. Not before next_deadline(), unless
  /// it is the end.
  [[nodiscard]] std::string summary(Time now);

 private:
  void earn(Time now);

  double lines_ = kMostLines;  // that may be written now; below zero after a long traceback
  std::optional<Time> earned_;
  std::array<unsigned, 7> kept_back_{};  // by Trouble
  std::string last_;
  Time since_;  // the first of them

  static constexpr double kMostLines = 30;
};

}  // namespace spawning
