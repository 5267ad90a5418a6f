// SPDX-License-Identifier: MIT
// The specification of every replacement: what a Fleet does in which case.
#include "supervise/fleet.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "support/fleet_fixture.hpp"

namespace spawning {
namespace {

using namespace action;
using namespace std::chrono_literals;
using test::FleetTest, test::reported;

// --- crashes

TEST_F(FleetTest, ReplacesACrashedWorkerAtOnceWhileItsSiblingsServe) {
  serve();

  EXPECT_EQ(fleet.exited(1, now),
            (Actions{reported(1, Trouble::death, Consequence::retry), Spawn{3, 0, 1}}));
  EXPECT_EQ(fleet.ready(3, now), Actions{Serve{3}});
}

TEST_F(FleetTest, BacksOffExponentiallyWhenTheSamePlaceDiesAgain) {
  serve();
  WorkerId worker = 1;

  for (auto expected : {0ms, 100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 6400ms, 12800ms, 25600ms,
                        30000ms, 30000ms}) {
    EXPECT_EQ(die_and_respawn(worker), expected);
  }
}

TEST_F(FleetTest, CountsEachPlacesDeathsForItself) {
  serve();
  WorkerId first = 1, second = 2;
  static_cast<void>(die_and_respawn(first));
  static_cast<void>(die_and_respawn(first));

  EXPECT_EQ(die_and_respawn(second), 0ms);
}

TEST_F(FleetTest, ForgetsDeathsOnceAWorkerHasServedAWhile) {
  serve();
  WorkerId worker = 1;
  static_cast<void>(die_and_respawn(worker));
  static_cast<void>(die_and_respawn(worker));
  static_cast<void>(fleet.ready(worker, now));
  now += 10s;

  EXPECT_EQ(die_and_respawn(worker), 0ms);
}

TEST_F(FleetTest, RemembersDeathsOfAWorkerThatServedOnlyShortly) {
  serve();
  WorkerId worker = 1;
  static_cast<void>(die_and_respawn(worker));
  static_cast<void>(fleet.ready(worker, now));
  now += 9s;

  EXPECT_EQ(die_and_respawn(worker), 100ms);
}

TEST_F(FleetTest, GoesOnTryingWhenASuccessorCannotLoad) {
  serve();
  static_cast<void>(fleet.exited(1, now));

  EXPECT_EQ(fleet.failed(3, now),
            (Actions{reported(3, Trouble::load_failure, Consequence::retry, 100ms), Kill{3}}));
  EXPECT_EQ(fleet.exited(3, now), Actions{});  // told already
  EXPECT_EQ(fleet.tick(now + 99ms), Actions{});
  EXPECT_EQ(fleet.tick(now + 100ms), (Actions{Spawn{4, 0, 1}}));
}

TEST_F(FleetTest, ReportsTheSameLoadFailureInFullOnlyOnce) {
  serve();
  static_cast<void>(fleet.exited(1, now));
  static_cast<void>(fleet.failed(3, now));
  static_cast<void>(fleet.exited(3, now));
  static_cast<void>(fleet.tick(now + 100ms));

  const auto actions = fleet.failed(4, now + 100ms);

  EXPECT_EQ(actions.front(),
            (Action{Report{4, Trouble::load_failure, Consequence::retry, 200ms, true}}));
}

TEST_F(FleetTest, GoesOnTryingWhenASuccessorIsNotReadyInTime) {
  serve();
  static_cast<void>(fleet.exited(1, now));

  EXPECT_EQ(
      fleet.tick(now + 60s),
      (Actions{reported(3, Trouble::boot_timeout, Consequence::retry, 100ms), Kill{3, true}}));
}

TEST_F(FleetTest, NeverEndsByItselfOnceItHasServed) {
  serve();
  WorkerId worker = 1;
  for (int death = 0; death < 20; ++death) static_cast<void>(die_and_respawn(worker));

  static_cast<void>(fleet.exited(2, now));

  EXPECT_FALSE(fleet.stopping());
}

TEST_F(FleetTest, ReplacesAWorkerThatCannotBeTalkedToAnyMore) {
  serve();

  EXPECT_EQ(fleet.hung_up(1, now), Actions{});
  EXPECT_EQ(fleet.tick(now + 1s), (Actions{reported(1, Trouble::hang_up, Consequence::retry),
                                           Drain{1, 10s}, Spawn{3, 2, 1}}));
  EXPECT_EQ(fleet.tick(now + 11s), (Actions{Kill{1, true}}));
  EXPECT_EQ(fleet.exited(1, now + 11s), Actions{});
}

TEST_F(FleetTest, ReportsTheDeathOfAWorkerThatHungUpAMomentBefore) {
  serve();

  EXPECT_EQ(fleet.hung_up(1, now), Actions{});
  EXPECT_EQ(fleet.exited(1, now),
            (Actions{reported(1, Trouble::death, Consequence::retry), Spawn{3, 0, 1}}));
}

// --- scale

TEST_F(FleetTest, AddsAWorker) {
  serve();

  EXPECT_EQ(fleet.scale(+1, now), (Actions{Spawn{3, 2, 1}}));
  EXPECT_EQ(fleet.ready(3, now), Actions{Serve{3}});
}

TEST_F(FleetTest, DrainsTheLastWorkerWhenThereAreTooMany) {
  serve();

  EXPECT_EQ(fleet.scale(-1, now), (Actions{Drain{2, 10s}}));
  EXPECT_EQ(fleet.exited(2, now), Actions{});
  EXPECT_EQ(fleet.processes(), 1U);
}

TEST_F(FleetTest, KeepsAtLeastOneWorkerAndAtMostHalfOfTheSlots) {
  serve();

  static_cast<void>(fleet.scale(-5, now));
  EXPECT_EQ(fleet.processes(), 1U);
  EXPECT_EQ(fleet.scale(-1, now), Actions{});
  static_cast<void>(fleet.scale(+100, now));
  EXPECT_EQ(fleet.processes(), 4U);
}

TEST_F(FleetTest, ScalesBothGenerationsDuringAReload) {
  serve_and_reload();

  EXPECT_EQ(fleet.scale(+1, now), (Actions{Spawn{5, 4, 1}, Spawn{6, 5, 2}}));
  static_cast<void>(fleet.ready(3, now));
  EXPECT_EQ(fleet.ready(4, now), Actions{});
  EXPECT_EQ(fleet.ready(6, now), (Actions{Serve{3}, Serve{4}, Serve{6}, Drain{1, 10s},
                                          Drain{2, 10s}, Kill{5}, Serving{2}}));
}

TEST_F(FleetTest, ChangesOverWhenTheOnlyUnreadyWorkerIsOneTooMany) {
  serve_and_reload();
  static_cast<void>(fleet.ready(3, now));

  EXPECT_EQ(fleet.scale(-1, now),
            (Actions{Drain{2, 10s}, Kill{4}, Serve{3}, Drain{1, 10s}, Serving{2}}));
}

TEST_F(FleetTest, CancelsTheRespawnOfAWorkerThatIsNotWantedAnyMore) {
  serve();
  WorkerId worker = 2;
  static_cast<void>(die_and_respawn(worker));
  static_cast<void>(fleet.exited(worker, now));

  EXPECT_EQ(fleet.scale(-1, now), Actions{});
  EXPECT_EQ(fleet.next_deadline(), std::nullopt);
}

// --- workers that leave

TEST_F(FleetTest, LetsAWorkerGoThatLeavesAndStartsItsSuccessorAtOnce) {
  serve();

  EXPECT_EQ(fleet.leaving(1, now), (Actions{reported(1, Trouble::leaving, Consequence::retry),
                                            Drain{1, 10s}, Spawn{3, 2, 1}}));
  EXPECT_EQ(fleet.leaving(1, now), Actions{});
  EXPECT_EQ(fleet.exited(1, now), Actions{});
  EXPECT_EQ(fleet.ready(3, now), Actions{Serve{3}});
}

TEST_F(FleetTest, KillsAWorkerThatLeavesAndIsNotGoneByTheDeadline) {
  serve();
  static_cast<void>(fleet.leaving(1, now));

  EXPECT_EQ(fleet.tick(now + 10s), (Actions{Kill{1, true}}));
}

TEST_F(FleetTest, BacksOffWhenWorkersLeaveTheSamePlaceAgainAndAgain) {
  serve();

  static_cast<void>(fleet.leaving(2, now));
  static_cast<void>(fleet.ready(3, now));
  EXPECT_EQ(fleet.leaving(3, now),
            (Actions{reported(3, Trouble::leaving, Consequence::retry, 100ms), Drain{3, 10s}}));
  EXPECT_EQ(fleet.tick(now + 100ms), (Actions{Spawn{4, 3, 1}}));
}

TEST_F(FleetTest, DoesNotTakeItForALoadFailureThatWorkersLeave) {
  serve();

  static_cast<void>(fleet.leaving(1, now));
  const auto actions = fleet.leaving(2, now);

  EXPECT_EQ(actions, (Actions{reported(2, Trouble::leaving, Consequence::retry), Drain{2, 10s},
                              Spawn{4, 3, 1}}));
}

TEST_F(FleetTest, GivesThePlaceOfAWorkerThatLeavesToTheSuccessorThatLoadsAlready) {
  serve_and_replace();

  EXPECT_EQ(fleet.leaving(1, now),
            (Actions{reported(1, Trouble::leaving, Consequence::succeed), Drain{1, 10s}}));
  EXPECT_EQ(fleet.ready(3, now), Actions{Serve{3}});
  EXPECT_EQ(fleet.exited(1, now), Actions{});
}

TEST_F(FleetTest, ReplacesAWorkerThatLeavesWhileAnotherGenerationLoads) {
  serve_and_reload();

  EXPECT_EQ(fleet.leaving(1, now), (Actions{reported(1, Trouble::leaving, Consequence::retry),
                                            Drain{1, 10s}, Spawn{5, 4, 1}}));
}

TEST_F(FleetTest, DiscardsAGenerationWhoseWorkerLeavesBeforeAllServe) {
  serve_and_reload();
  static_cast<void>(fleet.ready(3, now));

  EXPECT_EQ(fleet.leaving(3, now),
            (Actions{reported(3, Trouble::leaving, Consequence::discard), Drain{3, 10s}, Kill{4}}));
}

TEST_F(FleetTest, LetsWorkersLeaveThatHaveToAnyway) {
  serve();
  static_cast<void>(fleet.stop(now));

  EXPECT_EQ(fleet.leaving(1, now), Actions{});
  EXPECT_EQ(fleet.exited(1, now), Actions{});
}

// --- robustness

TEST_F(FleetTest, IgnoresWorkersThatItDoesNotKnow) {
  serve();

  EXPECT_EQ(fleet.ready(99, now), Actions{});
  EXPECT_EQ(fleet.failed(99, now), Actions{});
  EXPECT_EQ(fleet.hung_up(99, now), Actions{});
  EXPECT_EQ(fleet.exited(99, now), Actions{});
  EXPECT_EQ(fleet.leaving(99, now), Actions{});
}

TEST_F(FleetTest, IgnoresAFailureOfAWorkerThatServes) {
  serve();

  EXPECT_EQ(fleet.failed(1, now), Actions{});
}

TEST_F(FleetTest, NeverGivesASlotToTwoLiveWorkers) {
  serve();
  std::set<unsigned> live{0, 1};
  std::map<WorkerId, unsigned> slots{{1, 0}, {2, 1}};
  const auto note = [&](const Actions& actions) {
    for (const Action& each : actions) {
      if (const auto* spawn = std::get_if<Spawn>(&each)) {
        EXPECT_TRUE(live.insert(spawn->slot).second);
        slots[spawn->worker] = spawn->slot;
      }
    }
  };

  for (WorkerId worker = 1; worker < 40; ++worker) {
    note(worker % 3 == 0 ? fleet.reload(now) : fleet.tick(now += 1s));
    if (slots.contains(worker)) live.erase(slots[worker]);
    note(fleet.exited(worker, now));
  }
}

}  // namespace
}  // namespace spawning
