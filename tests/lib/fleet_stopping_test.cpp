// SPDX-License-Identifier: MIT
// How a Fleet ends, at once or with a delay.
#include <gtest/gtest.h>

#include "support/fleet_fixture.hpp"

namespace spawning {
namespace {

using namespace action;
using namespace std::chrono_literals;
using test::FleetTest, test::reported;

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

TEST_F(FleetTest, KillsOnStopWhatHasFinishedAndIsNotGoneByTheDeadline) {
  serve();
  static_cast<void>(fleet.stop(now));
  static_cast<void>(fleet.hung_up(1, now + 9s, true));

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

TEST_F(FleetTest, FinishesOnlyOnce) {
  serve();
  static_cast<void>(fleet.stop_now(now));
  static_cast<void>(fleet.exited(1, now));
  static_cast<void>(fleet.exited(2, now));

  EXPECT_EQ(fleet.stop(now), Actions{});
}

}  // namespace
}  // namespace spawning
