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

// --- the first generation

TEST_F(FleetTest, StartsAllWorkersAtOnceInSlotsOfTheirOwn) {
  EXPECT_EQ(fleet.start(now), (Actions{Spawn{1, 0, 1}, Spawn{2, 1, 1}}));
  EXPECT_EQ(fleet.next_deadline(), now + 60s);
}

TEST_F(FleetTest, LetsTheFirstGenerationServeOnceAllAreReady) {
  static_cast<void>(fleet.start(now));

  EXPECT_EQ(fleet.ready(2, now), Actions{});
  EXPECT_EQ(fleet.ready(1, now), (Actions{Serve{1}, Serve{2}, Serving{1}}));
  EXPECT_EQ(fleet.next_deadline(), std::nullopt);
}

TEST_F(FleetTest, EndsWithStatus1WhenTheFirstGenerationCannotLoad) {
  static_cast<void>(fleet.start(now));

  EXPECT_EQ(fleet.failed(2, now),
            (Actions{reported(2, Trouble::load_failure, Consequence::end), Kill{2}, Kill{1}}));
  EXPECT_EQ(fleet.exited(2, now), Actions{});
  EXPECT_EQ(fleet.exited(1, now), Actions{Finish{1}});
}

TEST_F(FleetTest, ReportsTheFirstFailureOnlyOnceForAllWorkers) {
  static_cast<void>(fleet.start(now));
  static_cast<void>(fleet.failed(1, now));

  EXPECT_EQ(fleet.failed(2, now), Actions{});
}

TEST_F(FleetTest, EndsWithStatus1WhenAWorkerOfTheFirstGenerationDiesWhileItLoads) {
  static_cast<void>(fleet.start(now));

  EXPECT_EQ(fleet.exited(1, now),
            (Actions{reported(1, Trouble::death_before_ready, Consequence::end), Kill{2}}));
  EXPECT_EQ(fleet.exited(2, now), Actions{Finish{1}});
}

TEST_F(FleetTest, EndsWithStatus1WhenAReadyWorkerDiesBeforeAllServe) {
  static_cast<void>(fleet.start(now));
  static_cast<void>(fleet.ready(1, now));

  EXPECT_EQ(fleet.exited(1, now),
            (Actions{reported(1, Trouble::death, Consequence::end), Kill{2}}));
}

TEST_F(FleetTest, EndsWithStatus1WhenTheFirstGenerationIsNotReadyInTime) {
  static_cast<void>(fleet.start(now));
  static_cast<void>(fleet.ready(1, now));

  EXPECT_EQ(fleet.tick(now + 60s), (Actions{reported(2, Trouble::boot_timeout, Consequence::end),
                                            Kill{2, true}, Kill{1}}));
}

TEST_F(FleetTest, WaitsForAReloadWhenTheFirstGenerationCannotLoadButMayBeMended) {
  static_cast<void>(fleet.start(now));

  EXPECT_EQ(fleet.failed(2, now, true),
            (Actions{reported(2, Trouble::load_failure, Consequence::wait), Kill{2}, Kill{1}}));
  EXPECT_EQ(fleet.failed(1, now, true), Actions{});
  EXPECT_EQ(fleet.exited(1, now), Actions{});
  EXPECT_EQ(fleet.exited(2, now), Actions{});
  EXPECT_EQ(fleet.next_deadline(), std::nullopt);

  EXPECT_EQ(fleet.reload(now), (Actions{Spawn{3, 0, 2}, Spawn{4, 1, 2}}));
  EXPECT_EQ(fleet.failed(3, now, true),
            (Actions{reported(3, Trouble::load_failure, Consequence::wait), Kill{3}, Kill{4}}));
  EXPECT_EQ(fleet.reload(now), (Actions{Spawn{5, 2, 3}, Spawn{6, 3, 3}}));
  static_cast<void>(fleet.ready(5, now));
  EXPECT_EQ(fleet.ready(6, now), (Actions{Serve{5}, Serve{6}, Serving{3}}));
}

TEST_F(FleetTest, StopsWhileItWaitsForTheFirstGenerationToBeMended) {
  static_cast<void>(fleet.start(now));
  static_cast<void>(fleet.failed(1, now, true));
  static_cast<void>(fleet.scale(+1, now));
  static_cast<void>(fleet.exited(1, now));

  EXPECT_EQ(fleet.stop(now), Actions{});
  EXPECT_EQ(fleet.exited(2, now), Actions{Finish{0}});
}

TEST_F(FleetTest, DiscardsAGenerationThatMayBeMendedWhileAnotherOneServes) {
  serve_and_reload();

  EXPECT_EQ(fleet.failed(3, now, true),
            (Actions{reported(3, Trouble::load_failure, Consequence::discard), Kill{3}, Kill{4}}));
}

TEST_F(FleetTest, StartsOverWhenAReloadComesBeforeTheFirstGenerationServes) {
  static_cast<void>(fleet.start(now));

  EXPECT_EQ(fleet.reload(now), (Actions{Kill{1}, Kill{2}, Spawn{3, 2, 2}, Spawn{4, 3, 2}}));
  EXPECT_EQ(fleet.exited(1, now), Actions{});
  static_cast<void>(fleet.ready(3, now));
  EXPECT_EQ(fleet.ready(4, now), (Actions{Serve{3}, Serve{4}, Serving{2}}));
}

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

// --- an application that cannot be loaded any more
// ------------------------------------------------------------------------------

// Two workers that have died, and their successors before they got ready.
struct FleetThatCannotLoadTest : FleetTest {
  FleetThatCannotLoadTest() {
    serve();
    EXPECT_EQ(fleet.exited(1, now).back(), Action(Spawn{3, 0, 1}));
    EXPECT_EQ(fleet.exited(2, now).back(), Action(Spawn{4, 1, 1}));
    static_cast<void>(fleet.exited(3, now));
    now += 20ms;
    EXPECT_EQ(fleet.exited(4, now),
              Actions{reported(4, Trouble::death_before_ready, Consequence::try_one, 100ms)});
    now += 100ms;
    EXPECT_EQ(fleet.tick(now), (Actions{Spawn{5, 0, 1}}));
  }
};

TEST_F(FleetThatCannotLoadTest, LetsOneWorkerTryForAll) {
  EXPECT_EQ(fleet.next_deadline(), now + 60s);
  EXPECT_EQ(fleet.tick(now + 1s), Actions{});

  EXPECT_EQ(fleet.exited(5, now),
            Actions{reported(5, Trouble::death_before_ready, Consequence::try_one, 200ms)});
  EXPECT_EQ(fleet.tick(now + 200ms), (Actions{Spawn{6, 0, 1}}));
}

TEST_F(FleetThatCannotLoadTest, BacksOffExponentiallyForAll) {
  WorkerId worker = 5;

  for (auto expected :
       {200ms, 400ms, 800ms, 1600ms, 3200ms, 6400ms, 12800ms, 25600ms, 30000ms, 30000ms}) {
    EXPECT_EQ(die_and_respawn(worker), expected);
  }
}

TEST_F(FleetThatCannotLoadTest, FillsAllPlacesOnceOneWorkerIsReady) {
  EXPECT_EQ(fleet.ready(5, now), (Actions{Serve{5}, Spawn{6, 1, 1}}));
  EXPECT_EQ(fleet.ready(6, now), Actions{Serve{6}});
  EXPECT_EQ(fleet.next_deadline(), std::nullopt);
}

TEST_F(FleetThatCannotLoadTest, TriesNoMoreOnceItStops) {
  static_cast<void>(fleet.exited(5, now));

  EXPECT_EQ(fleet.stop(now), Actions{Finish{0}});
  EXPECT_EQ(fleet.next_deadline(), std::nullopt);
}

TEST_F(FleetThatCannotLoadTest, FillsAllPlacesWithTheNextGeneration) {
  static_cast<void>(fleet.reload(now));
  static_cast<void>(fleet.ready(6, now));
  EXPECT_EQ(fleet.ready(7, now), (Actions{Serve{6}, Serve{7}, Kill{5}, Serving{2}}));

  static_cast<void>(fleet.exited(6, now));
  EXPECT_EQ(fleet.exited(7, now).back(), Action(Spawn{9, 2, 2}));
}

TEST_F(FleetThatCannotLoadTest, LetsAWorkerThatDiesWaitForTheOne) {
  static_cast<void>(fleet.ready(5, now));
  static_cast<void>(fleet.exited(6, now));
  static_cast<void>(fleet.scale(+1, now));
  EXPECT_EQ(
      fleet.exited(7, now),
      (Actions{reported(7, Trouble::death_before_ready, Consequence::try_one), Spawn{8, 1, 1}}));

  EXPECT_EQ(fleet.exited(5, now), Actions{reported(5, Trouble::death, Consequence::try_one)});
}

TEST_F(FleetTest, DoesNotTryForAPlaceThatIsGivenUp) {
  serve();
  WorkerId worker = 2;
  static_cast<void>(die_and_respawn(worker));
  static_cast<void>(die_and_respawn(worker));
  EXPECT_EQ(fleet.exited(worker, now).front(),
            Action(reported(worker, Trouble::death_before_ready, Consequence::retry, 200ms)));

  EXPECT_EQ(fleet.scale(-1, now), Actions{});
  EXPECT_EQ(fleet.tick(now + 200ms), Actions{});
  EXPECT_EQ(fleet.next_deadline(), std::nullopt);
  EXPECT_EQ(fleet.scale(+1, now + 1s), (Actions{Spawn{5, 1, 1}}));
}

TEST_F(FleetTest, KillsAWorkerThatCannotBeTalkedToAnyMoreAndReplacesIt) {
  serve();

  EXPECT_EQ(fleet.hung_up(1, now), Actions{});
  EXPECT_EQ(fleet.tick(now + 10s), (Actions{Kill{1, true}}));
  EXPECT_EQ(fleet.exited(1, now + 10s),
            (Actions{reported(1, Trouble::death, Consequence::retry), Spawn{3, 0, 1}}));
}

// --- reload

TEST_F(FleetTest, StartsANewGenerationBesideTheOld) {
  serve();

  EXPECT_EQ(fleet.reload(now), (Actions{Spawn{3, 2, 2}, Spawn{4, 3, 2}}));
}

TEST_F(FleetTest, LoadsFewWorkersOfANewGenerationAtOnceBesideTheOldOnes) {
  FleetConfig config = two_workers();
  config.processes = 3;
  config.loads_at_once = 1;
  fleet = Fleet{config};
  EXPECT_EQ(fleet.start(now), (Actions{Spawn{1, 0, 1}, Spawn{2, 1, 1}, Spawn{3, 2, 1}}));
  for (WorkerId worker : {1U, 2U, 3U}) static_cast<void>(fleet.ready(worker, now));

  EXPECT_EQ(fleet.reload(now), (Actions{Spawn{4, 3, 2}}));
  EXPECT_EQ(fleet.ready(4, now), (Actions{Spawn{5, 4, 2}}));
  EXPECT_EQ(fleet.ready(5, now), (Actions{Spawn{6, 5, 2}}));
  EXPECT_EQ(fleet.exited(1, now).back(), Action(Spawn{7, 0, 1}));  // crashes do not wait for it
  EXPECT_EQ(fleet.ready(6, now), (Actions{Serve{4}, Serve{5}, Serve{6}, Kill{7}, Drain{2, 10s},
                                          Drain{3, 10s}, Serving{2}}));
}

TEST_F(FleetTest, LoadsNoMoreWorkersOfAGenerationThatIsDiscarded) {
  FleetConfig config = two_workers();
  config.loads_at_once = 1;
  fleet = Fleet{config};
  serve();
  EXPECT_EQ(fleet.reload(now), (Actions{Spawn{3, 2, 2}}));

  EXPECT_EQ(fleet.failed(3, now),
            (Actions{reported(3, Trouble::load_failure, Consequence::discard), Kill{3}}));
  EXPECT_EQ(fleet.exited(3, now), Actions{});
  EXPECT_EQ(fleet.next_deadline(), std::nullopt);
}

TEST_F(FleetTest, ChangesOverOnlyWhenEveryNewWorkerIsReady) {
  serve_and_reload();

  EXPECT_EQ(fleet.ready(4, now), Actions{});
  EXPECT_EQ(fleet.ready(3, now),
            (Actions{Serve{3}, Serve{4}, Drain{1, 10s}, Drain{2, 10s}, Serving{2}}));
}

TEST_F(FleetTest, LetsTheOldGenerationGoWithoutReplacement) {
  serve_and_reload();
  static_cast<void>(fleet.ready(3, now));
  static_cast<void>(fleet.ready(4, now));

  EXPECT_EQ(fleet.exited(1, now), Actions{});
  EXPECT_EQ(fleet.exited(2, now), Actions{});
  EXPECT_EQ(fleet.next_deadline(), std::nullopt);
}

TEST_F(FleetTest, KillsAnOldWorkerThatIsNotGoneByTheDeadline) {
  serve_and_reload();
  static_cast<void>(fleet.ready(3, now));
  static_cast<void>(fleet.ready(4, now));
  static_cast<void>(fleet.exited(1, now));

  EXPECT_EQ(fleet.next_deadline(), now + 10s);
  EXPECT_EQ(fleet.tick(now + 9s), Actions{});
  EXPECT_EQ(fleet.tick(now + 10s), (Actions{Kill{2, true}}));
  EXPECT_EQ(fleet.exited(2, now + 10s), Actions{});
}

TEST_F(FleetTest, DiscardsANewGenerationThatCannotLoadAndNeverTouchesTheOld) {
  serve_and_reload();
  static_cast<void>(fleet.ready(3, now));

  EXPECT_EQ(fleet.failed(4, now),
            (Actions{reported(4, Trouble::load_failure, Consequence::discard), Kill{4}, Kill{3}}));
  EXPECT_EQ(fleet.exited(3, now), Actions{});
  EXPECT_EQ(fleet.exited(4, now), Actions{});
  EXPECT_EQ(fleet.next_deadline(), std::nullopt);
}

TEST_F(FleetTest, DiscardsANewGenerationOfWhichOneCannotBeTalkedToAnyMore) {
  serve_and_reload();

  EXPECT_EQ(fleet.hung_up(3, now), Actions{});
  EXPECT_EQ(fleet.next_deadline(), now + 1s);
  EXPECT_EQ(fleet.tick(now + 1s),
            (Actions{reported(3, Trouble::hang_up, Consequence::discard), Kill{3}, Kill{4}}));
}

TEST_F(FleetTest, DiscardsANewGenerationOfWhichOneDiesWhileItLoads) {
  serve_and_reload();

  EXPECT_EQ(fleet.exited(3, now),
            (Actions{reported(3, Trouble::death_before_ready, Consequence::discard), Kill{4}}));
}

TEST_F(FleetTest, DiscardsANewGenerationOfWhichOneSaysReadyAndDies) {
  serve_and_reload();
  static_cast<void>(fleet.ready(3, now));

  EXPECT_EQ(fleet.exited(3, now),
            (Actions{reported(3, Trouble::death, Consequence::discard), Kill{4}}));
}

TEST_F(FleetTest, DiscardsANewGenerationThatIsNotReadyInTime) {
  serve_and_reload();
  static_cast<void>(fleet.ready(4, now));

  EXPECT_EQ(
      fleet.tick(now + 60s),
      (Actions{reported(3, Trouble::boot_timeout, Consequence::discard), Kill{3, true}, Kill{4}}));
}

TEST_F(FleetTest, TriesAgainWithTheNextReloadAfterADiscardedOne) {
  serve_and_reload();
  static_cast<void>(fleet.failed(3, now));
  static_cast<void>(fleet.exited(3, now));
  static_cast<void>(fleet.exited(4, now));

  EXPECT_EQ(fleet.reload(now), (Actions{Spawn{5, 2, 3}, Spawn{6, 3, 3}}));
}

TEST_F(FleetTest, ReplacesTheWantedGenerationWhenAReloadComesDuringAReload) {
  serve_and_reload();
  static_cast<void>(fleet.ready(3, now));

  EXPECT_EQ(fleet.reload(now), (Actions{Kill{3}, Kill{4}, Spawn{5, 4, 3}, Spawn{6, 5, 3}}));
  EXPECT_EQ(fleet.exited(3, now), Actions{});
  EXPECT_EQ(fleet.ready(4, now), Actions{});  // said so before it saw its end
  static_cast<void>(fleet.ready(5, now));
  EXPECT_EQ(fleet.ready(6, now),
            (Actions{Serve{5}, Serve{6}, Drain{1, 10s}, Drain{2, 10s}, Serving{3}}));
}

TEST_F(FleetTest, ReplacesAnOldWorkerThatCrashesDuringAReload) {
  serve_and_reload();

  EXPECT_EQ(fleet.exited(1, now),
            (Actions{reported(1, Trouble::death, Consequence::retry), Spawn{5, 0, 1}}));
  static_cast<void>(fleet.ready(3, now));
  // 5 never served, so there is nothing that it could finish.
  EXPECT_EQ(fleet.ready(4, now), (Actions{Serve{3}, Serve{4}, Kill{5}, Drain{2, 10s}, Serving{2}}));
}

TEST_F(FleetTest, ForgetsTheRespawnsOfAGenerationThatIsReplaced) {
  serve_and_reload();
  static_cast<void>(fleet.exited(1, now));
  static_cast<void>(fleet.exited(5, now));  // respawn due in 100 ms
  static_cast<void>(fleet.ready(3, now));
  static_cast<void>(fleet.ready(4, now));
  static_cast<void>(fleet.exited(2, now));

  EXPECT_EQ(fleet.next_deadline(), std::nullopt);
}

TEST_F(FleetTest, WaitsForASlotRatherThanOverlapMoreGenerationsThanFit) {
  serve_and_reload();
  static_cast<void>(fleet.reload(now));  // slots 0-5 taken
  static_cast<void>(fleet.reload(now));  // 0-7
  EXPECT_EQ(fleet.reload(now), (Actions{Kill{7}, Kill{8}}));

  EXPECT_EQ(fleet.exited(3, now), (Actions{Spawn{9, 2, 5}}));
  EXPECT_EQ(fleet.exited(4, now), (Actions{Spawn{10, 3, 5}}));
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

// --- stop

TEST_F(FleetTest, DrainsEveryWorkerOnStopAndFinishesWithStatus0) {
  serve();

  EXPECT_EQ(fleet.stop(now), (Actions{Drain{1, 10s}, Drain{2, 10s}}));
  EXPECT_EQ(fleet.exited(2, now), Actions{});
  EXPECT_EQ(fleet.exited(1, now), Actions{Finish{0}});
}

TEST_F(FleetTest, KillsOnStopWhatIsNotGoneByTheDeadline) {
  serve();
  static_cast<void>(fleet.stop(now));

  EXPECT_EQ(fleet.tick(now + 10s), (Actions{Kill{1, true}, Kill{2, true}}));
}

TEST_F(FleetTest, StopsAtOnceWhenToldTwice) {
  serve();
  static_cast<void>(fleet.stop(now));

  EXPECT_EQ(fleet.stop(now), (Actions{Kill{1}, Kill{2}}));
  EXPECT_EQ(fleet.exited(1, now), Actions{});
  EXPECT_EQ(fleet.exited(2, now), Actions{Finish{0}});
}

TEST_F(FleetTest, StopsAtOnceWhenToldSo) {
  serve_and_reload();

  EXPECT_EQ(fleet.stop_now(now), (Actions{Kill{1}, Kill{2}, Kill{3}, Kill{4}}));
}

TEST_F(FleetTest, StopsDuringAReloadByDrainingTheOldAndKillingTheNew) {
  serve_and_reload();

  EXPECT_EQ(fleet.stop(now), (Actions{Kill{3}, Kill{4}, Drain{1, 10s}, Drain{2, 10s}}));
}

TEST_F(FleetTest, StopsWithStatus0BeforeTheFirstGenerationServes) {
  static_cast<void>(fleet.start(now));

  EXPECT_EQ(fleet.stop(now), (Actions{Kill{1}, Kill{2}}));
  static_cast<void>(fleet.exited(1, now));
  EXPECT_EQ(fleet.exited(2, now), Actions{Finish{0}});
}

TEST_F(FleetTest, FinishesAtOnceWhenNoWorkerIsLeft) {
  serve();
  static_cast<void>(fleet.scale(-1, now));
  static_cast<void>(fleet.exited(2, now));
  static_cast<void>(fleet.exited(1, now));
  static_cast<void>(fleet.exited(3, now));  // the respawn is due in 100 ms

  EXPECT_EQ(fleet.stop(now), Actions{Finish{0}});
}

TEST_F(FleetTest, ReplacesNobodyWhileItStops) {
  serve();
  static_cast<void>(fleet.stop(now));

  EXPECT_EQ(fleet.reload(now), Actions{});
  EXPECT_EQ(fleet.scale(+1, now), Actions{});
  EXPECT_EQ(fleet.exited(1, now), Actions{});
  EXPECT_EQ(fleet.next_deadline(), now + 10s);  // of worker 2
}

struct DelayedStopTest : FleetTest {
  void SetUp() override {
    FleetConfig config = two_workers();
    config.drain_delay = 5s;
    fleet = Fleet{config};
  }
};

TEST_F(DelayedStopTest, GoesOnServingForTheDelayWhileAnswersAnnounceTheEnd) {
  serve();

  EXPECT_EQ(fleet.stop(now), (Actions{AnnounceClose{1}, AnnounceClose{2}}));
  EXPECT_TRUE(fleet.stopping());
  EXPECT_FALSE(fleet.ending());
  EXPECT_EQ(fleet.next_deadline(), now + 5s);
  EXPECT_EQ(fleet.tick(now + 4s), Actions{});

  EXPECT_EQ(fleet.tick(now + 5s), (Actions{Drain{1, 10s}, Drain{2, 10s}}));
  EXPECT_TRUE(fleet.ending());
  EXPECT_EQ(fleet.next_deadline(), now + 15s);
}

TEST_F(DelayedStopTest, StopsAtOnceWhenToldTwice) {
  serve();
  static_cast<void>(fleet.stop(now));

  EXPECT_EQ(fleet.stop(now), (Actions{Kill{1}, Kill{2}}));
}

TEST_F(DelayedStopTest, ReplacesAWorkerThatDiesMeanwhile) {
  serve();
  static_cast<void>(fleet.stop(now));

  EXPECT_EQ(fleet.exited(1, now),
            (Actions{reported(1, Trouble::death, Consequence::retry), Spawn{3, 0, 1}}));
  EXPECT_EQ(fleet.ready(3, now), (Actions{Serve{3}, AnnounceClose{3}}));
}

TEST_F(DelayedStopTest, NeitherReloadsNorScalesNorReplacesMeanwhile) {
  serve();
  static_cast<void>(fleet.stop(now));

  EXPECT_EQ(fleet.reload(now), Actions{});
  EXPECT_EQ(fleet.scale(+1, now), Actions{});
  EXPECT_EQ(replace(1), Actions{});
}

TEST_F(DelayedStopTest, GivesUpAReloadAndAReplacement) {
  serve_and_replace();
  static_cast<void>(fleet.reload(now));

  EXPECT_EQ(fleet.stop(now), (Actions{Kill{4}, Kill{5}, AnnounceClose{1}, AnnounceClose{2}}));
  EXPECT_EQ(fleet.tick(now + 5s), (Actions{Drain{1, 10s}, Drain{2, 10s}}));
}

TEST_F(DelayedStopTest, DoesNotWaitWhenNobodyServes) {
  static_cast<void>(fleet.start(now));

  EXPECT_EQ(fleet.stop(now), (Actions{Kill{1}, Kill{2}}));
}

TEST_F(FleetTest, ReloadsToAnotherNumberOfWorkers) {
  serve();
  EXPECT_EQ(fleet.reload(now, 3), (Actions{Spawn{3, 2, 2}, Spawn{4, 3, 2}, Spawn{5, 4, 2}}));
  static_cast<void>(fleet.ready(3, now));
  static_cast<void>(fleet.ready(4, now));
  static_cast<void>(fleet.ready(5, now));

  EXPECT_EQ(fleet.reload(now, 1), (Actions{Spawn{6, 5, 3}}));
  EXPECT_EQ(fleet.ready(6, now),
            (Actions{Serve{6}, Drain{3, 10s}, Drain{4, 10s}, Drain{5, 10s}, Serving{3}}));
  EXPECT_EQ(fleet.processes(), 1U);
}

TEST_F(FleetTest, StaysAtItsNumberOfWorkersIfTheReloadToAnotherFails) {
  serve();
  static_cast<void>(fleet.reload(now, 3));
  static_cast<void>(fleet.failed(3, now));

  EXPECT_EQ(fleet.processes(), 2U);
  EXPECT_EQ(fleet.exited(1, now).back(), Action{(Spawn{6, 0, 1})});  // its place is refilled
}

TEST_F(FleetTest, CountsReloadsThatNobodyWasStartedFor) {
  serve_and_reload();

  EXPECT_EQ(fleet.skip_generation(), 3U);
  static_cast<void>(fleet.ready(3, now));
  EXPECT_EQ(fleet.ready(4, now).back(), Action{Serving{2}});
  EXPECT_EQ(fleet.reload(now).front(), Action{(Spawn{5, 4, 4})});
}

TEST_F(FleetTest, FinishesOnlyOnce) {
  serve();
  static_cast<void>(fleet.stop_now(now));
  static_cast<void>(fleet.exited(1, now));
  static_cast<void>(fleet.exited(2, now));

  EXPECT_EQ(fleet.stop(now), Actions{});
}

// --- robustness

TEST_F(FleetTest, IgnoresWorkersThatItDoesNotKnow) {
  serve();

  EXPECT_EQ(fleet.ready(99, now), Actions{});
  EXPECT_EQ(fleet.failed(99, now), Actions{});
  EXPECT_EQ(fleet.hung_up(99, now), Actions{});
  EXPECT_EQ(fleet.exited(99, now), Actions{});
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
