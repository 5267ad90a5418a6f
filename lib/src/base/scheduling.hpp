// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// How the kernel gives processors to a thread.

#include <cstdint>

namespace spawning {

enum class Scheduling : std::uint8_t {
  /// Soon when something arrives, also from a thread that computes: for who has little to do then.
  prompt,
  /// Only when others have had their turn: for who has more to do at once the later it comes.
  unhurried,
};

/// Schedules the calling thread so. Its share of the processor stays what it is, and threads and
/// processes that it starts are scheduled as others are. A preference: where it cannot be had (before
/// Linux 6.12 nothing is `prompt`), nothing else changes.
/// \see sched(7) SCHED_BATCH, sched_setattr(2)
void prefer(Scheduling scheduling);

}  // namespace spawning
