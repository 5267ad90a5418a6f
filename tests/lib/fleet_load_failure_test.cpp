// SPDX-License-Identifier: MIT
// A service whose application cannot be loaded any more: one worker tries for all.
#include <gtest/gtest.h>

#include "support/fleet_fixture.hpp"

namespace spawning {
namespace {

using namespace action;
using namespace std::chrono_literals;
using test::FleetTest, test::reported;

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

}  // namespace
}  // namespace spawning
