// SPDX-License-Identifier: MIT
// Reloads with fewer workers more than the service has: so many succeed each other at a time.
#include <gtest/gtest.h>

#include "support/fleet_fixture.hpp"

namespace spawning {
namespace {

using namespace action;
using namespace std::chrono_literals;
using test::reported;

struct RollingFleetTest : ::testing::Test {
  // Workers 1 to `processes` of generation 1 serve.
  void serve(unsigned processes, unsigned surge) {
    FleetConfig config;
    config.processes = processes;
    config.surge = surge;
    config.slots = 8;
    fleet = Fleet{config};
    static_cast<void>(fleet.start(now));
    for (WorkerId worker = 1; worker <= processes; ++worker)
      static_cast<void>(fleet.ready(worker, now));
  }

  Fleet fleet{{}};
  Fleet::Time now{1000s};
};

TEST_F(RollingFleetTest, ReplacesOneWorkerAfterTheOther) {
  serve(3, 1);

  EXPECT_EQ(fleet.reload(now), (Actions{Spawn{4, 3, 2}}));
  EXPECT_EQ(fleet.ready(4, now), (Actions{Serve{4}, Drain{1, 10s}, Spawn{5, 4, 2}}));
  EXPECT_EQ(fleet.exited(1, now), Actions{});
  EXPECT_EQ(fleet.ready(5, now), (Actions{Serve{5}, Drain{2, 10s}, Spawn{6, 0, 2}}));
  EXPECT_EQ(fleet.ready(6, now), (Actions{Serve{6}, Drain{3, 10s}, Serving{2}}));
  EXPECT_EQ(fleet.exited(2, now), Actions{});
  EXPECT_EQ(fleet.exited(3, now), Actions{});
  EXPECT_EQ(fleet.next_deadline(), std::nullopt);
}

TEST_F(RollingFleetTest, LoadsAsManyAtATimeAsTheSurgeSays) {
  serve(3, 2);

  EXPECT_EQ(fleet.reload(now), (Actions{Spawn{4, 3, 2}, Spawn{5, 4, 2}}));
  EXPECT_EQ(fleet.ready(5, now), (Actions{Serve{5}, Drain{2, 10s}, Spawn{6, 5, 2}}));
  EXPECT_EQ(fleet.ready(4, now), (Actions{Serve{4}, Drain{1, 10s}}));
  EXPECT_EQ(fleet.ready(6, now), (Actions{Serve{6}, Drain{3, 10s}, Serving{2}}));
}

TEST_F(RollingFleetTest, ChangesOverAtOnceWhenTheSurgeIsAsLargeAsTheFleet) {
  serve(2, 2);

  EXPECT_EQ(fleet.reload(now), (Actions{Spawn{3, 2, 2}, Spawn{4, 3, 2}}));
  EXPECT_EQ(fleet.ready(3, now), Actions{});
}

TEST_F(RollingFleetTest, FillsThePlacesThatAReloadAddsAndEmptiesThoseThatItTakes) {
  serve(2, 1);

  EXPECT_EQ(fleet.reload(now, 3), (Actions{Spawn{3, 2, 2}, Spawn{4, 3, 2}}));
  EXPECT_EQ(fleet.ready(3, now), Actions{Serve{3}});
  EXPECT_EQ(fleet.ready(4, now), (Actions{Serve{4}, Drain{1, 10s}, Spawn{5, 4, 2}}));
  EXPECT_EQ(fleet.ready(5, now), (Actions{Serve{5}, Drain{2, 10s}, Serving{2}}));
  EXPECT_EQ(fleet.reload(now, 2), (Actions{Drain{3, 10s}, Spawn{6, 5, 3}}));
}

TEST_F(RollingFleetTest, DiscardsAGenerationOfWhichTheFirstCannotLoad) {
  serve(3, 2);
  static_cast<void>(fleet.reload(now));

  EXPECT_EQ(fleet.failed(4, now),
            (Actions{reported(4, Trouble::load_failure, Consequence::discard), Kill{5}, Kill{4}}));
  EXPECT_EQ(fleet.exited(4, now), Actions{});
  EXPECT_EQ(fleet.exited(5, now), Actions{});
  EXPECT_EQ(fleet.next_deadline(), std::nullopt);
}

TEST_F(RollingFleetTest, EndsTheReloadWhereALaterOneCannotLoad) {
  serve(3, 1);
  static_cast<void>(fleet.reload(now));
  static_cast<void>(fleet.ready(4, now));  // instead of 1; 5 loads

  EXPECT_EQ(fleet.exited(5, now),
            (Actions{reported(5, Trouble::death_before_ready, Consequence::halt)}));
  EXPECT_EQ(fleet.next_deadline(), now + 10s);  // of 1
}

TEST_F(RollingFleetTest, EndsTheReloadWhenASuccessorIsNotReadyInTime) {
  serve(2, 1);
  static_cast<void>(fleet.reload(now));

  EXPECT_EQ(fleet.tick(now + 60s),
            (Actions{reported(3, Trouble::boot_timeout, Consequence::discard), Kill{3, true}}));
}

TEST_F(RollingFleetTest, ReplacesThoseWithTheNewCodeTooWhenTheNextReloadComes) {
  serve(2, 1);
  static_cast<void>(fleet.reload(now));
  static_cast<void>(fleet.ready(3, now));  // instead of 1; 4 loads

  EXPECT_EQ(fleet.reload(now), (Actions{Kill{4}, Spawn{5, 4, 3}}));
  EXPECT_EQ(fleet.ready(5, now), (Actions{Serve{5}, Drain{3, 10s}, Spawn{6, 5, 3}}));
  EXPECT_EQ(fleet.ready(6, now), (Actions{Serve{6}, Drain{2, 10s}, Serving{3}}));
}

TEST_F(RollingFleetTest, TriesAgainWithTheNextReloadAfterOneThatEnded) {
  serve(2, 1);
  static_cast<void>(fleet.reload(now));
  static_cast<void>(fleet.failed(3, now));
  static_cast<void>(fleet.exited(3, now));

  EXPECT_EQ(fleet.reload(now), (Actions{Spawn{4, 2, 3}}));
}

TEST_F(RollingFleetTest, GivesThePlaceOfAWorkerThatDiesToTheSuccessorThatLoadsAlready) {
  serve(2, 1);
  static_cast<void>(fleet.reload(now));

  EXPECT_EQ(fleet.exited(1, now),
            (Actions{reported(1, Trouble::death, Consequence::succeed), Spawn{4, 0, 2}}));
  EXPECT_EQ(fleet.ready(4, now), (Actions{Serve{4}, Drain{2, 10s}}));
  EXPECT_EQ(fleet.ready(3, now), (Actions{Serve{3}, Serving{2}}));
}

TEST_F(RollingFleetTest, FillsThePlaceOfAWorkerThatDiesWithOneOfTheNewGeneration) {
  serve(2, 1);
  static_cast<void>(fleet.reload(now));

  EXPECT_EQ(fleet.exited(2, now),
            (Actions{reported(2, Trouble::death, Consequence::retry), Spawn{4, 1, 2}}));
  EXPECT_EQ(fleet.ready(4, now), Actions{Serve{4}});
  EXPECT_EQ(fleet.ready(3, now), (Actions{Serve{3}, Drain{1, 10s}, Serving{2}}));
}

TEST_F(RollingFleetTest, AddsWorkersOfTheNewGenerationAndTakesAwaySuccessorsWithTheirPlaces) {
  serve(2, 1);
  static_cast<void>(fleet.reload(now));

  EXPECT_EQ(fleet.scale(+1, now), (Actions{Spawn{4, 3, 2}}));
  EXPECT_EQ(fleet.ready(3, now), (Actions{Serve{3}, Drain{1, 10s}, Spawn{5, 4, 2}}));
  EXPECT_EQ(fleet.scale(-1, now), (Actions{Kill{4}}));
  EXPECT_EQ(fleet.scale(-1, now), (Actions{Drain{2, 10s}, Kill{5}, Serving{2}}));
}

TEST_F(RollingFleetTest, LetsAReplacementWaitAndForgetsItWhenTheReloadMakesItNeedless) {
  serve(2, 1);
  static_cast<void>(fleet.replace(1, ReplaceReason::overdue, now));  // by 3

  EXPECT_EQ(fleet.reload(now), (Actions{Kill{3}, Spawn{4, 3, 2}}));
  EXPECT_EQ(fleet.ready(4, now), (Actions{Serve{4}, Drain{1, 10s}, Spawn{5, 4, 2}}));
  EXPECT_EQ(fleet.ready(5, now), (Actions{Serve{5}, Drain{2, 10s}, Serving{2}}));
}

TEST_F(RollingFleetTest, TakesAReplacementUpAgainWhenTheReloadEnds) {
  serve(2, 1);
  static_cast<void>(fleet.replace(2, ReplaceReason::overdue, now));  // by 3
  static_cast<void>(fleet.reload(now));                              // 4 instead of 1
  static_cast<void>(fleet.exited(3, now));

  EXPECT_EQ(fleet.failed(4, now), (Actions{reported(4, Trouble::load_failure, Consequence::discard),
                                           Kill{4}, Spawn{5, 2, 1}}));
  EXPECT_EQ(fleet.ready(5, now), (Actions{Serve{5}, Drain{2, 10s}}));
}

TEST_F(RollingFleetTest, StopsByDrainingBothGenerationsAndKillingWhoLoads) {
  serve(2, 1);
  static_cast<void>(fleet.reload(now));
  static_cast<void>(fleet.ready(3, now));  // instead of 1; 4 loads

  EXPECT_EQ(fleet.stop(now), (Actions{Kill{4}, Drain{3, 10s}, Drain{2, 10s}}));
}

TEST_F(RollingFleetTest, WaitsForASlotRatherThanRollMoreThanFit) {
  FleetConfig config;
  config.processes = 2;
  config.surge = 1;
  config.slots = 3;
  fleet = Fleet{config};
  static_cast<void>(fleet.start(now));
  static_cast<void>(fleet.ready(1, now));
  static_cast<void>(fleet.ready(2, now));
  static_cast<void>(fleet.reload(now));

  EXPECT_EQ(fleet.ready(3, now), (Actions{Serve{3}, Drain{1, 10s}}));
  EXPECT_EQ(fleet.exited(1, now), (Actions{Spawn{4, 0, 2}}));
}

}  // namespace
}  // namespace spawning
