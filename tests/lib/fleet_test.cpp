// SPDX-License-Identifier: MIT
// The specification of every replacement: what a Fleet does in which case.
#include "supervise/fleet.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <ostream>
#include <random>
#include <set>
#include <utility>

namespace spawning {

template <typename... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <typename... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

namespace action {

void PrintTo(const Action& action, std::ostream* out) {
  std::visit(Overloaded{[&](const action::Spawn& a) {
                          *out << "Spawn " << a.worker << " slot " << a.slot << " generation "
                               << a.generation;
                        },
                        [&](const action::Serve& a) { *out << "Serve " << a.worker; },
                        [&](const action::Drain& a) { *out << "Drain " << a.worker; },
                        [&](const action::Kill& a) {
                          *out << "Kill " << a.worker << (a.overdue ? " overdue" : "");
                        },
                        [&](const action::Report& a) {
                          *out << "Report " << a.worker << " trouble " << int(a.trouble)
                               << " consequence " << int(a.consequence) << " delay "
                               << a.delay.count() << " repeated " << a.repeated;
                        },
                        [&](const action::Replacing& a) {
                          *out << "Replacing " << a.worker << " reason " << int(a.reason);
                        },
                        [&](const action::Serving& a) { *out << "Serving " << a.generation; },
                        [&](const action::Finish& a) { *out << "Finish " << a.status; }},
             action);
}

}  // namespace action

namespace {

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

Report reported(WorkerId worker, Trouble trouble, Consequence consequence,
                std::chrono::milliseconds delay = 0ms) {
  return {worker, trouble, consequence, delay, false};
}

// --- the first generation
// -------------------------------------------------------------------------

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
// --------------------------------------------------------------------------------------

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
// ---------------------------------------------------------------------------------------

TEST_F(FleetTest, StartsANewGenerationBesideTheOld) {
  serve();

  EXPECT_EQ(fleet.reload(now), (Actions{Spawn{3, 2, 2}, Spawn{4, 3, 2}}));
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

// --- replacement
// -----------------------------------------------------------------------------------

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
  static_cast<void>(fleet.start(now));
  static_cast<void>(fleet.ready(1, now));

  EXPECT_EQ(replace(1), Actions{});  // ready, but its sibling is not
  EXPECT_EQ(replace(2), Actions{});
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

TEST_F(FleetTest, DoesNotDrainAReplacedWorkerThatIsKilledAlready) {
  serve_and_replace();
  static_cast<void>(fleet.hung_up(1, now));
  EXPECT_EQ(fleet.tick(now + 10s), (Actions{Kill{1, true}}));

  EXPECT_EQ(fleet.ready(3, now + 10s), Actions{Serve{3}});
  EXPECT_EQ(fleet.exited(1, now + 10s), Actions{});
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

  EXPECT_EQ(fleet.stop(now), (Actions{Drain{1, 10s}, Kill{3}, Drain{2, 10s}}));
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
// ------------------------------------------------------------------------------------------

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

// --- scale
// ----------------------------------------------------------------------------------------

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
// -----------------------------------------------------------------------------------------

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

TEST_F(FleetTest, FinishesOnlyOnce) {
  serve();
  static_cast<void>(fleet.stop_now(now));
  static_cast<void>(fleet.exited(1, now));
  static_cast<void>(fleet.exited(2, now));

  EXPECT_EQ(fleet.stop(now), Actions{});
}

// --- robustness
// -----------------------------------------------------------------------------------

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

// Processes that do as they are told, in an order and at a time that nobody knows.
struct ObedientProcesses {
  enum class State { loading, ready, serving, leaving };

  void carry_out(const Actions& actions) {
    for (const Action& each : actions) {
      if (const auto* spawn = std::get_if<Spawn>(&each)) {
        EXPECT_TRUE(slots.insert(spawn->slot).second);
        workers[spawn->worker] = {State::loading, spawn->slot};
      } else if (const auto* serve = std::get_if<Serve>(&each)) {
        EXPECT_EQ(workers.at(serve->worker).first, State::ready);
        workers.at(serve->worker).first = State::serving;
      } else if (const auto* drain = std::get_if<Drain>(&each)) {
        EXPECT_EQ(workers.at(drain->worker).first, State::serving);
        workers.at(drain->worker).first = State::leaving;
      } else if (const auto* kill = std::get_if<Kill>(&each)) {
        EXPECT_NE(workers.at(kill->worker).first, State::serving);
        workers.at(kill->worker).first = State::leaving;
      }
    }
  }

  // What `worker` does next, if it does something.
  Actions act(WorkerId worker, Fleet& fleet, Fleet::Time now, bool well) {
    auto& [state, slot] = workers.at(worker);
    switch (state) {
      case State::loading:
        if (!well) return fleet.failed(worker, now);
        state = State::ready;
        return fleet.ready(worker, now);
      case State::leaving:
        slots.erase(slot);
        workers.erase(worker);
        return fleet.exited(worker, now);
      case State::serving:
        return fleet.replace(worker, ReplaceReason::overdue, now);
      case State::ready:
        break;
    }
    return {};
  }

  [[nodiscard]] std::size_t serving() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        workers, [](const auto& each) { return each.second.first == State::serving; }));
  }

  std::map<WorkerId, std::pair<State, unsigned>> workers;
  std::set<unsigned> slots;
};

TEST_F(FleetTest, NeverServesWithFewerOrMoreWorkersThanWantedWhateverIsReplaced) {
  std::mt19937 random{20};  // NOLINT(cert-msc51-cpp): the same each time
  const auto one_in = [&random](unsigned chance) { return random() % chance == 0; };
  ObedientProcesses processes;
  processes.carry_out(fleet.start(now));
  processes.carry_out(processes.act(1, fleet, now, true));
  processes.carry_out(processes.act(2, fleet, now, true));

  for (int event = 0; event < 2'000; ++event) {
    const std::size_t before = processes.serving();
    now += std::chrono::milliseconds{random() % 100};
    if (one_in(50)) {
      processes.carry_out(fleet.reload(now));
    } else if (one_in(50)) {
      processes.carry_out(fleet.scale(one_in(2) ? +1 : -1, now));
    } else if (one_in(4)) {
      processes.carry_out(fleet.tick(now));
    } else if (auto each = processes.workers.begin(); !processes.workers.empty()) {
      std::advance(each, random() % processes.workers.size());
      processes.carry_out(processes.act(each->first, fleet, now, !one_in(5)));
    }

    ASSERT_GE(processes.serving(), std::min<std::size_t>(before, fleet.processes())) << event;
    ASSERT_LE(processes.serving(), fleet.processes()) << event;
  }
}

}  // namespace
}  // namespace spawning
