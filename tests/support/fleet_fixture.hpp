// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// A Fleet in situations that many tests begin with, and its actions in words.

#include <gtest/gtest.h>

#include <ostream>
#include <variant>

#include "supervise/fleet.hpp"

namespace spawning {

namespace action {

inline void PrintTo(const Spawn& a, std::ostream* out) {
  *out << "Spawn " << a.worker << " slot " << a.slot << " generation " << a.generation;
}
inline void PrintTo(const Serve& a, std::ostream* out) { *out << "Serve " << a.worker; }
inline void PrintTo(const AnnounceClose& a, std::ostream* out) {
  *out << "AnnounceClose " << a.worker;
}
inline void PrintTo(const Drain& a, std::ostream* out) { *out << "Drain " << a.worker; }
inline void PrintTo(const Kill& a, std::ostream* out) {
  *out << "Kill " << a.worker << (a.overdue ? " overdue" : "");
}
inline void PrintTo(const Report& a, std::ostream* out) {
  *out << "Report " << a.worker << " trouble " << int(a.trouble) << " consequence "
       << int(a.consequence) << " delay " << a.delay.count() << " repeated " << a.repeated;
}
inline void PrintTo(const Replacing& a, std::ostream* out) {
  *out << "Replacing " << a.worker << " reason " << int(a.reason);
}
inline void PrintTo(const Serving& a, std::ostream* out) { *out << "Serving " << a.generation; }
inline void PrintTo(const Finish& a, std::ostream* out) { *out << "Finish " << a.status; }

}  // namespace action

namespace test {

using namespace action;
using namespace std::chrono_literals;

struct FleetTest : ::testing::Test {
  // Two workers, 1 and 2, of generation 1 that serve.
  void serve() {
    static_cast<void>(fleet.start(now));
    static_cast<void>(fleet.ready(1, now));
    static_cast<void>(fleet.ready(2, now));
  }

  // …and 3 and 4 of generation 2 beside them, not ready yet.
  void serve_and_reload() {
    serve();
    static_cast<void>(fleet.reload(now));
  }

  // …or 3, the successor of 1, which is overdue.
  void serve_and_replace() {
    serve();
    EXPECT_EQ(replace(1), (Actions{Replacing{1, ReplaceReason::overdue}, Spawn{3, 2, 1}}));
  }

  Actions replace(WorkerId worker) { return fleet.replace(worker, ReplaceReason::overdue, now); }

  // The worker that replaces `worker` in a place which dies again and again; gives the delay before
  // it.
  std::chrono::milliseconds die_and_respawn(WorkerId& worker) {
    auto actions = fleet.exited(worker, now);
    const auto delay = std::get<Report>(actions.at(0)).delay;
    if (delay > 0ms) {
      EXPECT_EQ(fleet.next_deadline(), now + delay);
      now += delay;
      actions = fleet.tick(now);
    }
    worker = std::get<Spawn>(actions.back()).worker;
    return delay;
  }

  static FleetConfig two_workers() {
    FleetConfig config;
    config.processes = 2;
    config.slots = 8;
    return config;
  }

  Fleet fleet{two_workers()};
  Fleet::Time now{1000s};
};

inline Report reported(WorkerId worker, Trouble trouble, Consequence consequence,
                       std::chrono::milliseconds delay = 0ms) {
  return {worker, trouble, consequence, delay, false};
}

}  // namespace test
}  // namespace spawning
