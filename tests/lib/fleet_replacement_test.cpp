// SPDX-License-Identifier: MIT
// Workers that serve and are to be replaced, one by one: for their age, and for other reasons.
#include <gtest/gtest.h>

#include "support/fleet_fixture.hpp"

namespace spawning {
namespace {

using namespace action;
using namespace std::chrono_literals;
using test::FleetTest, test::reported;

// --- replacement

TEST_F(FleetTest, ReplacesAWorkerOnceItsSuccessorIsReady) {
  serve_and_replace();

  EXPECT_EQ(fleet.ready(3, now), (Actions{Serve{3}, Drain{1, 10s}}));
  EXPECT_EQ(fleet.next_deadline(), now + 10s);
  EXPECT_EQ(fleet.exited(1, now), Actions{});
  EXPECT_EQ(fleet.next_deadline(), std::nullopt);
}

TEST_F(FleetTest, KillsAReplacedWorkerThatIsNotGoneByTheDeadline) {
  serve_and_replace();
  static_cast<void>(fleet.ready(3, now));

  EXPECT_EQ(fleet.tick(now + 10s), (Actions{Kill{1, true}}));
  EXPECT_EQ(fleet.exited(1, now + 10s), Actions{});
}

TEST_F(FleetTest, ReplacesAWorkerOnlyOnceThatAsksTwice) {
  serve_and_replace();

  EXPECT_EQ(replace(1), Actions{});
  static_cast<void>(fleet.ready(3, now));
  EXPECT_EQ(replace(1), Actions{});  // said so before it was told to drain
}

TEST_F(FleetTest, ReplacesASuccessorWhenItAsksInItsTurn) {
  serve_and_replace();
  static_cast<void>(fleet.ready(3, now));

  EXPECT_EQ(replace(3), (Actions{Replacing{3, ReplaceReason::overdue}, Spawn{4, 3, 1}}));
  EXPECT_EQ(fleet.ready(4, now), (Actions{Serve{4}, Drain{3, 10s}}));
}

TEST_F(FleetTest, ReplacesOneWorkerAfterTheOtherInTheOrderInWhichTheyAsked) {
  serve();
  static_cast<void>(fleet.scale(+1, now));
  static_cast<void>(fleet.ready(3, now));

  EXPECT_EQ(replace(2), (Actions{Replacing{2, ReplaceReason::overdue}, Spawn{4, 3, 1}}));
  EXPECT_EQ(replace(3), (Actions{Replacing{3, ReplaceReason::overdue}}));
  EXPECT_EQ(replace(1), (Actions{Replacing{1, ReplaceReason::overdue}}));
  EXPECT_EQ(fleet.ready(4, now), (Actions{Serve{4}, Drain{2, 10s}, Spawn{5, 4, 1}}));
  EXPECT_EQ(fleet.ready(5, now), (Actions{Serve{5}, Drain{3, 10s}, Spawn{6, 5, 1}}));
  EXPECT_EQ(fleet.ready(6, now), (Actions{Serve{6}, Drain{1, 10s}}));
}

TEST_F(FleetTest, ReplacesOnlyWorkersThatServe) {
  serve_and_reload();
  static_cast<void>(fleet.ready(3, now));

  EXPECT_EQ(replace(3), Actions{});  // ready, but its sibling is not
  EXPECT_EQ(replace(4), Actions{});
  EXPECT_EQ(replace(99), Actions{});
}

TEST_F(FleetTest, KeepsAWorkerWhoseSuccessorCannotLoadAndTriesAgainLater) {
  serve_and_replace();

  EXPECT_EQ(fleet.failed(3, now),
            (Actions{reported(3, Trouble::load_failure, Consequence::keep, 100ms), Kill{3}}));
  EXPECT_EQ(fleet.exited(3, now), Actions{});  // told already
  EXPECT_EQ(fleet.next_deadline(), now + 100ms);
  EXPECT_EQ(fleet.tick(now + 99ms), Actions{});
  EXPECT_EQ(fleet.tick(now + 100ms), (Actions{Spawn{4, 2, 1}}));
  EXPECT_EQ(fleet.ready(4, now), (Actions{Serve{4}, Drain{1, 10s}}));
}

TEST_F(FleetTest, KeepsAWorkerWhoseSuccessorDiesWhileItLoads) {
  serve_and_replace();

  EXPECT_EQ(fleet.exited(3, now),
            (Actions{reported(3, Trouble::death_before_ready, Consequence::keep, 100ms)}));
  EXPECT_EQ(fleet.tick(now + 100ms), (Actions{Spawn{4, 2, 1}}));
}

TEST_F(FleetTest, KeepsAWorkerWhoseSuccessorIsNotReadyInTime) {
  serve_and_replace();
  EXPECT_EQ(fleet.next_deadline(), now + 60s);

  EXPECT_EQ(fleet.tick(now + 60s),
            (Actions{reported(3, Trouble::boot_timeout, Consequence::keep, 100ms), Kill{3, true}}));
}

TEST_F(FleetTest, BacksOffExponentiallyWhenSuccessorsFail) {
  serve_and_replace();
  now += 10s;  // however long the one before has served

  WorkerId successor = 3;
  for (auto expected :
       {100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 6400ms, 12800ms, 25600ms, 30000ms, 30000ms}) {
    const auto failed = fleet.exited(successor, now);
    EXPECT_EQ(std::get<Report>(failed.at(0)).delay, expected);
    now += expected;
    successor = std::get<Spawn>(fleet.tick(now).at(0)).worker;
  }
}

TEST_F(FleetTest, LetsOthersWaitWhileASuccessorIsTriedAgain) {
  serve_and_replace();
  static_cast<void>(replace(2));

  static_cast<void>(fleet.exited(3, now));

  EXPECT_EQ(fleet.tick(now + 100ms), (Actions{Spawn{4, 2, 1}}));
  EXPECT_EQ(fleet.ready(4, now + 100ms), (Actions{Serve{4}, Drain{1, 10s}, Spawn{5, 3, 1}}));
}

TEST_F(FleetTest, GivesThePlaceOfAWorkerThatDiesToTheSuccessorThatLoadsAlready) {
  serve_and_replace();

  EXPECT_EQ(fleet.exited(1, now), (Actions{reported(1, Trouble::death, Consequence::succeed)}));
  EXPECT_EQ(fleet.ready(3, now), Actions{Serve{3}});
  EXPECT_EQ(fleet.next_deadline(), std::nullopt);
}

TEST_F(FleetTest, RetriesASuccessorThatHasThePlaceForItselfAsAnyWorker) {
  serve_and_replace();
  static_cast<void>(fleet.exited(1, now));

  EXPECT_EQ(fleet.failed(3, now),
            (Actions{reported(3, Trouble::load_failure, Consequence::retry, 100ms), Kill{3}}));
  EXPECT_EQ(fleet.tick(now + 100ms), (Actions{Spawn{4, 0, 1}}));
}

TEST_F(FleetTest, StartsASuccessorAtOnceWhenTheWorkerDiesBeforeTheNextTry) {
  serve_and_replace();
  static_cast<void>(fleet.exited(3, now));

  EXPECT_EQ(fleet.exited(1, now),
            (Actions{reported(1, Trouble::death, Consequence::retry), Spawn{4, 0, 1}}));
  EXPECT_EQ(fleet.next_deadline(), now + 60s);
  EXPECT_EQ(fleet.ready(4, now), Actions{Serve{4}});
}

TEST_F(FleetTest, ForgetsAWorkerThatDiesBeforeItsTurn) {
  serve_and_replace();
  static_cast<void>(replace(2));

  EXPECT_EQ(fleet.exited(2, now),
            (Actions{reported(2, Trouble::death, Consequence::retry), Spawn{4, 1, 1}}));
  EXPECT_EQ(fleet.ready(3, now), (Actions{Serve{3}, Drain{1, 10s}}));
  EXPECT_EQ(fleet.ready(4, now), Actions{Serve{4}});
}

TEST_F(FleetTest, LetsTheSuccessorTakeThePlaceOfAReplacedWorkerThatCannotBeTalkedToAnyMore) {
  serve_and_replace();
  static_cast<void>(fleet.hung_up(1, now));
  EXPECT_EQ(fleet.tick(now + 1s),
            (Actions{reported(1, Trouble::hang_up, Consequence::succeed), Drain{1, 10s}}));

  EXPECT_EQ(fleet.ready(3, now + 1s), Actions{Serve{3}});
  EXPECT_EQ(fleet.tick(now + 11s), (Actions{Kill{1, true}}));
  EXPECT_EQ(fleet.exited(1, now + 11s), Actions{});
}

TEST_F(FleetTest, ForgetsThePlacesDeathsWhenItsWorkerIsReplacedThatServedAWhile) {
  serve();
  WorkerId worker = 1;
  static_cast<void>(die_and_respawn(worker));
  static_cast<void>(die_and_respawn(worker));
  static_cast<void>(fleet.ready(worker, now));
  now += 10s;
  static_cast<void>(replace(worker));
  static_cast<void>(fleet.ready(++worker, now));

  EXPECT_EQ(die_and_respawn(worker), 0ms);
}

TEST_F(FleetTest, AbandonsAReplacementForAReload) {
  serve_and_replace();

  EXPECT_EQ(fleet.reload(now), (Actions{Kill{3}, Spawn{4, 3, 2}, Spawn{5, 4, 2}}));
  EXPECT_EQ(fleet.ready(3, now), Actions{});  // said so before it saw its end
  EXPECT_EQ(fleet.exited(3, now), Actions{});
  static_cast<void>(fleet.ready(4, now));
  EXPECT_EQ(fleet.ready(5, now),
            (Actions{Serve{4}, Serve{5}, Drain{1, 10s}, Drain{2, 10s}, Serving{2}}));
  EXPECT_EQ(fleet.exited(1, now), Actions{});
}

TEST_F(FleetTest, TakesAReplacementUpAgainWhenTheReloadIsDiscarded) {
  serve_and_replace();
  static_cast<void>(fleet.reload(now));

  EXPECT_EQ(fleet.failed(4, now), (Actions{reported(4, Trouble::load_failure, Consequence::discard),
                                           Kill{4}, Kill{5}, Spawn{6, 5, 1}}));
  EXPECT_EQ(fleet.ready(6, now), (Actions{Serve{6}, Drain{1, 10s}}));
}

TEST_F(FleetTest, ForgetsTheNextTryForASuccessorWhenAReloadComes) {
  serve_and_replace();
  static_cast<void>(fleet.exited(3, now));  // the next try is due in 100 ms
  static_cast<void>(fleet.reload(now));

  EXPECT_EQ(fleet.next_deadline(), now + 60s);
  EXPECT_EQ(fleet.tick(now + 100ms), Actions{});
}

TEST_F(FleetTest, LetsAReplacementWaitForAReload) {
  serve_and_reload();

  EXPECT_EQ(replace(1), (Actions{Replacing{1, ReplaceReason::overdue}}));
  EXPECT_EQ(fleet.exited(4, now),
            (Actions{reported(4, Trouble::death_before_ready, Consequence::discard), Kill{3},
                     Spawn{5, 3, 1}}));
}

TEST_F(FleetTest, ForgetsReplacementsWhenTheReloadReplacesAll) {
  serve_and_reload();
  static_cast<void>(replace(1));
  static_cast<void>(fleet.ready(3, now));

  EXPECT_EQ(fleet.ready(4, now),
            (Actions{Serve{3}, Serve{4}, Drain{1, 10s}, Drain{2, 10s}, Serving{2}}));
  EXPECT_EQ(replace(2), Actions{});
}

TEST_F(FleetTest, AbandonsTheReplacementOfAWorkerThatIsOneTooMany) {
  serve();
  static_cast<void>(replace(2));

  EXPECT_EQ(fleet.scale(-1, now), (Actions{Drain{2, 10s}, Kill{3}}));
  EXPECT_EQ(fleet.exited(3, now), Actions{});
  EXPECT_EQ(fleet.exited(2, now), Actions{});
}

TEST_F(FleetTest, GoesOnToTheNextReplacementWhenAWorkerIsOneTooMany) {
  serve();
  static_cast<void>(replace(2));
  static_cast<void>(replace(1));

  EXPECT_EQ(fleet.scale(-1, now), (Actions{Drain{2, 10s}, Kill{3}, Spawn{4, 3, 1}}));
  EXPECT_EQ(fleet.ready(4, now), (Actions{Serve{4}, Drain{1, 10s}}));
}

TEST_F(FleetTest, AddsAWorkerDuringAReplacement) {
  serve_and_replace();

  EXPECT_EQ(fleet.scale(+1, now), (Actions{Spawn{4, 3, 1}}));
  EXPECT_EQ(fleet.ready(3, now), (Actions{Serve{3}, Drain{1, 10s}}));
  EXPECT_EQ(fleet.ready(4, now), Actions{Serve{4}});
}

TEST_F(FleetTest, StopsDuringAReplacementByKillingTheSuccessor) {
  serve_and_replace();
  static_cast<void>(replace(2));

  EXPECT_EQ(fleet.stop(now), (Actions{Kill{3}, Drain{1, 10s}, Drain{2, 10s}}));
  EXPECT_EQ(replace(1), Actions{});
  EXPECT_EQ(fleet.exited(3, now), Actions{});
  EXPECT_EQ(fleet.exited(1, now), Actions{});
  EXPECT_EQ(fleet.exited(2, now), Actions{Finish{0}});
}

TEST_F(FleetTest, StopsAtOnceDuringAReplacement) {
  serve_and_replace();

  EXPECT_EQ(fleet.stop_now(now), (Actions{Kill{1}, Kill{2}, Kill{3}}));
}

TEST_F(FleetTest, ForgetsTheNextTryForASuccessorWhenItStops) {
  serve_and_replace();
  static_cast<void>(fleet.exited(3, now));
  static_cast<void>(fleet.stop_now(now));

  EXPECT_EQ(fleet.next_deadline(), std::nullopt);
}

TEST_F(FleetTest, LetsAReplacementWaitForASlot) {
  serve();
  for (int reload = 0; reload < 3; ++reload) static_cast<void>(fleet.reload(now));  // slots 0-7
  static_cast<void>(fleet.failed(7, now));

  EXPECT_EQ(replace(1), (Actions{Replacing{1, ReplaceReason::overdue}}));
  EXPECT_EQ(fleet.next_deadline(), std::nullopt);
  EXPECT_EQ(fleet.exited(5, now), (Actions{Spawn{9, 4, 1}}));
  EXPECT_EQ(fleet.exited(6, now), Actions{});
}

// --- age

// Four workers, 1 … 4, that are old after 1,000 s.
struct AgingFleetTest : ::testing::Test {
  static FleetConfig four_workers() {
    FleetConfig config;
    config.processes = 4;
    config.slots = 16;
    config.max_age = 1000s;
    return config;
  }

  void serve() {
    static_cast<void>(fleet.start(begin));
    for (WorkerId worker = 1; worker <= 4; ++worker) static_cast<void>(fleet.ready(worker, begin));
  }

  // The successor of a worker that is old is ready at once, and the old one ends.
  Actions replace_at(Fleet::Time now) {
    const auto actions = fleet.tick(now);
    for (const Action& each : actions) {
      const auto* spawn = std::get_if<Spawn>(&each);
      if (spawn != nullptr) static_cast<void>(fleet.ready(spawn->worker, now));
    }
    for (const Action& each : actions) {
      const auto* replacing = std::get_if<Replacing>(&each);
      if (replacing != nullptr) static_cast<void>(fleet.exited(replacing->worker, now));
    }
    return actions;
  }

  Fleet fleet{four_workers()};
  const Fleet::Time begin{5000s};
};

TEST_F(AgingFleetTest, ReplacesWorkersOfAGenerationSpreadOverTheLastQuarterOfTheAge) {
  serve();

  EXPECT_EQ(fleet.next_deadline(), begin + 812s + 500ms);
  EXPECT_EQ(replace_at(begin + 812s), Actions{});
  EXPECT_EQ(replace_at(begin + 812s + 500ms),
            (Actions{Replacing{4, ReplaceReason::age}, Spawn{5, 4, 1}}));
  EXPECT_EQ(replace_at(begin + 875s), (Actions{Replacing{3, ReplaceReason::age}, Spawn{6, 3, 1}}));
  EXPECT_EQ(replace_at(begin + 937s + 500ms),
            (Actions{Replacing{2, ReplaceReason::age}, Spawn{7, 2, 1}}));
  EXPECT_EQ(replace_at(begin + 1000s), (Actions{Replacing{1, ReplaceReason::age}, Spawn{8, 1, 1}}));
}

TEST_F(AgingFleetTest, GivesASuccessorTheWholeAgeSoThatTheyStayApart) {
  serve();
  for (const auto& due : {812s + 500ms, 875s + 0ms, 937s + 500ms, 1000s + 0ms})
    static_cast<void>(replace_at(begin + due));

  EXPECT_EQ(fleet.next_deadline(), begin + 1812s + 500ms);
  EXPECT_EQ(replace_at(begin + 1812s + 500ms),
            (Actions{Replacing{5, ReplaceReason::age}, Spawn{9, 0, 1}}));
  EXPECT_EQ(fleet.next_deadline(), begin + 1875s);
}

TEST_F(AgingFleetTest, CountsTheAgeFromWhenAWorkerServes) {
  static_cast<void>(fleet.start(begin));
  for (WorkerId worker = 1; worker <= 4; ++worker)
    static_cast<void>(fleet.ready(worker, begin + 50s));

  EXPECT_EQ(fleet.next_deadline(), begin + 50s + 812s + 500ms);
}

TEST_F(AgingFleetTest, LetsOldWorkersWaitForEachOther) {
  serve();

  EXPECT_EQ(fleet.tick(begin + 2000s),
            (Actions{Replacing{1, ReplaceReason::age}, Replacing{2, ReplaceReason::age},
                     Replacing{3, ReplaceReason::age}, Replacing{4, ReplaceReason::age},
                     Spawn{5, 4, 1}}));
  EXPECT_EQ(fleet.ready(5, begin + 2010s), (Actions{Serve{5}, Drain{1, 10s}, Spawn{6, 5, 1}}));
}

TEST_F(AgingFleetTest, ReplacesAnOldWorkerOnceThatIsToGoForAnotherReason) {
  serve();
  static_cast<void>(fleet.replace(4, ReplaceReason::requests, begin + 800s));

  EXPECT_EQ(fleet.tick(begin + 813s), Actions{});
}

TEST_F(AgingFleetTest, SpreadsTheAgesOfANewGenerationAnew) {
  serve();
  static_cast<void>(fleet.reload(begin + 800s));
  for (WorkerId worker = 5; worker <= 8; ++worker)
    static_cast<void>(fleet.ready(worker, begin + 801s));
  for (WorkerId worker = 1; worker <= 4; ++worker)
    static_cast<void>(fleet.exited(worker, begin + 802s));

  EXPECT_EQ(fleet.next_deadline(), begin + 801s + 812s + 500ms);
}

TEST_F(AgingFleetTest, SpreadsTheAgesOfWorkersThatDiedTogether) {
  serve();
  const auto later = begin + 800s;
  for (WorkerId worker = 1; worker <= 4; ++worker) static_cast<void>(fleet.exited(worker, later));
  for (WorkerId worker = 5; worker <= 8; ++worker) static_cast<void>(fleet.ready(worker, later));

  EXPECT_EQ(replace_at(later + 813s), (Actions{Replacing{8, ReplaceReason::age}, Spawn{9, 4, 1}}));
}

TEST_F(AgingFleetTest, ForgetsTheAgeOfAWorkerThatDrains) {
  serve();
  static_cast<void>(fleet.stop(begin + 812s));

  EXPECT_EQ(fleet.next_deadline(), begin + 822s);  // the deadman
}

}  // namespace
}  // namespace spawning
