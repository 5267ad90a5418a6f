// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The status of a service as lines of text.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "spawning/export.hpp"
#include "spawning/observed_status.hpp"

namespace SPAWNING_EXPORT spawning {

/// By what workers are sorted. All but slots in descending order.
enum class WorkerOrder : std::uint8_t { slot, memory, cpu, requests };

/// What stands below the figures.
enum class TopBody : std::uint8_t { workers, traceback, help };

/// How the status is to be shown.
struct TopView {
  std::string source;  ///< where it comes from, as a person would write it
  std::size_t columns = 80;
  std::size_t rows = 24;  ///< 0: as many as there is something to say
  bool colour = false;    ///< otherwise there are no escape sequences
  bool keys = false;      ///< the last row says which keys there are
  WorkerOrder order = WorkerOrder::slot;
  TopBody body = TopBody::workers;
  bool paused = false;
  std::chrono::milliseconds interval{1000};
  std::string trouble;  ///< what keeps newer figures away; "" nothing
};

/// The status, at most `rows` lines of at most `columns`, without newlines.
///
/// What came over the network is shown as display_text() says, so no server, client or application
/// can write anything to the terminal but characters.
/// \param now     nullptr: there is none yet.
/// \param before  what rates are counted from; nullptr, or another service: the start.
[[nodiscard]] std::vector<std::string> top_lines(const ObservedStatus* now,
                                                 const ObservedStatus* before, const TopView& view);

}  // namespace spawning
