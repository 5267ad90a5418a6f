// SPDX-License-Identifier: MIT
// Reloads at which a whole generation loads beside the one that serves.
#include <gtest/gtest.h>

#include "support/fleet_fixture.hpp"

namespace spawning {
namespace {

using namespace action;
using namespace std::chrono_literals;
using test::FleetTest, test::reported;

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

TEST_F(FleetTest, GivesAnOldWorkerThatHasFinishedAsLongAgainToEnd) {
  serve_and_reload();
  static_cast<void>(fleet.ready(3, now));
  static_cast<void>(fleet.ready(4, now));
  static_cast<void>(fleet.exited(1, now));

  EXPECT_EQ(fleet.hung_up(2, now + 9s, true), Actions{});
  EXPECT_EQ(fleet.next_deadline(), now + 19s);
  EXPECT_EQ(fleet.hung_up(2, now + 10s, true), Actions{});  // that was known
  EXPECT_EQ(fleet.tick(now + 19s), (Actions{Kill{2, true}}));
}

TEST_F(FleetTest, KillsByTheDeadlineAnOldWorkerThatCannotBeTalkedToAndHasNotFinished) {
  serve_and_reload();
  static_cast<void>(fleet.ready(3, now));
  static_cast<void>(fleet.ready(4, now));
  static_cast<void>(fleet.exited(1, now));
  static_cast<void>(fleet.hung_up(2, now + 9s));

  EXPECT_EQ(fleet.tick(now + 10s), (Actions{Kill{2, true}}));
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
            (Actions{reported(3, Trouble::hang_up_before_ready, Consequence::discard), Kill{3},
                     Kill{4}}));
}

TEST_F(FleetTest, DiscardsANewGenerationOfWhichOneIsReadyAndCannotBeTalkedToAnyMore) {
  serve_and_reload();
  static_cast<void>(fleet.ready(3, now));

  EXPECT_EQ(fleet.hung_up(3, now), Actions{});
  EXPECT_EQ(fleet.tick(now + 1s),
            (Actions{reported(3, Trouble::hang_up, Consequence::discard), Kill{3}, Kill{4}}));
}

TEST_F(FleetTest, PromotesNobodyWhoCannotBeTalkedTo) {
  serve_and_reload();
  static_cast<void>(fleet.ready(3, now));
  static_cast<void>(fleet.hung_up(3, now));

  EXPECT_EQ(fleet.ready(4, now), Actions{});
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

}  // namespace
}  // namespace spawning
