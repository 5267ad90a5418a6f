// SPDX-License-Identifier: MIT
// How a Fleet starts: the first generation, beside which nobody serves.
#include <gtest/gtest.h>

#include "support/fleet_fixture.hpp"

namespace spawning {
namespace {

using namespace action;
using namespace std::chrono_literals;
using test::FleetTest, test::reported;

TEST_F(FleetTest, StartsAllWorkersAtOnceInSlotsOfTheirOwn) {
  EXPECT_EQ(fleet.start(now), (Actions{Spawn{1, 0, 1}, Spawn{2, 1, 1}}));
  EXPECT_EQ(fleet.next_deadline(), now + 60s);
}

TEST_F(FleetTest, LetsWorkersOfTheFirstGenerationServeAsTheyGetReady) {
  static_cast<void>(fleet.start(now));

  EXPECT_EQ(fleet.ready(2, now), Actions{Serve{2}});
  EXPECT_EQ(fleet.ready(1, now), (Actions{Serve{1}, Serving{1}}));
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

TEST_F(FleetTest, EndsWithStatus1WhenTheFirstGenerationIsNotReadyInTime) {
  static_cast<void>(fleet.start(now));
  static_cast<void>(fleet.ready(1, now));

  EXPECT_EQ(fleet.tick(now + 60s), (Actions{reported(2, Trouble::boot_timeout, Consequence::end),
                                            Kill{2, true}, Drain{1, 10s}}));
  EXPECT_EQ(fleet.exited(1, now), Actions{});
  EXPECT_EQ(fleet.exited(2, now), Actions{Finish{1}});
}

TEST_F(FleetTest, ReplacesAWorkerThatDiesWhileOthersOfTheFirstGenerationLoad) {
  static_cast<void>(fleet.start(now));
  static_cast<void>(fleet.ready(1, now));

  EXPECT_EQ(fleet.exited(1, now),
            (Actions{reported(1, Trouble::death, Consequence::retry), Spawn{3, 0, 1}}));
  EXPECT_EQ(fleet.ready(2, now), Actions{Serve{2}});
  EXPECT_EQ(fleet.ready(3, now), (Actions{Serve{3}, Serving{1}}));
}

TEST_F(FleetTest, ReplacesAWorkerThatLeavesWhileOthersOfTheFirstGenerationLoad) {
  static_cast<void>(fleet.start(now));
  static_cast<void>(fleet.ready(1, now));

  EXPECT_EQ(fleet.leaving(1, now), (Actions{reported(1, Trouble::leaving, Consequence::retry),
                                            Drain{1, 10s}, Spawn{3, 2, 1}}));
}

TEST_F(FleetTest, EndsWithStatus1WhenAWorkerDiesAgainWhileOthersOfTheFirstGenerationLoad) {
  static_cast<void>(fleet.start(now));
  static_cast<void>(fleet.ready(1, now));
  static_cast<void>(fleet.exited(1, now));
  static_cast<void>(fleet.ready(3, now));

  EXPECT_EQ(fleet.exited(3, now),
            (Actions{reported(3, Trouble::death, Consequence::end), Kill{2}}));
}

TEST_F(FleetTest, EndsWithStatus1WhenTheSuccessorOfWhoDiedMeanwhileCannotLoad) {
  static_cast<void>(fleet.start(now));
  static_cast<void>(fleet.ready(1, now));
  static_cast<void>(fleet.exited(1, now));

  EXPECT_EQ(fleet.failed(3, now),
            (Actions{reported(3, Trouble::load_failure, Consequence::end), Kill{3}, Kill{2}}));
}

TEST_F(FleetTest, LetsAReplacementWaitForTheRestOfTheFirstGeneration) {
  static_cast<void>(fleet.start(now));
  static_cast<void>(fleet.ready(1, now));

  EXPECT_EQ(replace(1), (Actions{Replacing{1, ReplaceReason::overdue}}));
  EXPECT_EQ(fleet.ready(2, now), (Actions{Serve{2}, Serving{1}, Spawn{3, 2, 1}}));
}

TEST_F(FleetTest, StopsGracefullyWhoServesWhileOthersOfTheFirstGenerationLoad) {
  static_cast<void>(fleet.start(now));
  static_cast<void>(fleet.ready(1, now));

  EXPECT_EQ(fleet.stop(now), (Actions{Kill{2}, Drain{1, 10s}}));
}

TEST_F(FleetTest, LetsWhoFinishesAFailedStartFinishWhenItIsAskedToStopOnce) {
  static_cast<void>(fleet.start(now));
  static_cast<void>(fleet.ready(1, now));
  EXPECT_EQ(fleet.failed(2, now).back(), (Action{Drain{1, 10s}}));

  EXPECT_EQ(fleet.stop(now), Actions{});
  EXPECT_EQ(fleet.stop(now), Actions{Kill{1}});
}

TEST_F(FleetTest, ForgetsAReplacementThatWaitsForTheFirstGenerationWhenItStopsOrReloads) {
  for (const bool stops : {true, false}) {
    fleet = Fleet{two_workers()};
    static_cast<void>(fleet.start(now));
    static_cast<void>(fleet.ready(1, now));
    static_cast<void>(replace(1));

    EXPECT_EQ(stops ? fleet.stop(now) : fleet.reload(now),
              stops ? (Actions{Kill{2}, Drain{1, 10s}})
                    : (Actions{Drain{1, 10s}, Kill{2}, Spawn{3, 2, 2}, Spawn{4, 3, 2}}));
    EXPECT_EQ(fleet.exited(1, now), Actions{});
  }
}

TEST_F(FleetTest, ReplacesWhoHangsUpWhileOthersOfTheFirstGenerationLoad) {
  static_cast<void>(fleet.start(now));
  static_cast<void>(fleet.ready(1, now));
  static_cast<void>(fleet.hung_up(1, now));

  EXPECT_EQ(fleet.tick(now + 1s), (Actions{reported(1, Trouble::hang_up, Consequence::retry),
                                           Drain{1, 10s}, Spawn{3, 2, 1}}));
  EXPECT_EQ(fleet.ready(2, now + 1s), Actions{Serve{2}});  // not all of it yet
}

TEST_F(FleetTest, GoesOnServingForTheDelayOfAStopWhileOthersOfTheFirstGenerationLoad) {
  FleetConfig config = two_workers();
  config.drain_delay = 3s;
  fleet = Fleet{config};
  static_cast<void>(fleet.start(now));
  static_cast<void>(fleet.ready(2, now));

  EXPECT_EQ(fleet.stop(now), (Actions{Kill{1}, AnnounceClose{2}}));
  EXPECT_EQ(fleet.exited(1, now), Actions{});
  EXPECT_EQ(fleet.tick(now + 3s), (Actions{Drain{2, 10s}}));
}

TEST_F(FleetTest, LetsTheFirstGenerationServeTogetherIfItIsTo) {
  FleetConfig config = two_workers();
  config.first_serve_together = true;
  fleet = Fleet{config};
  static_cast<void>(fleet.start(now));

  EXPECT_EQ(fleet.ready(2, now), Actions{});
  EXPECT_EQ(fleet.ready(1, now), (Actions{Serve{1}, Serve{2}, Serving{1}}));
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
  EXPECT_EQ(
      fleet.failed(6, now, true),
      (Actions{reported(6, Trouble::load_failure, Consequence::wait), Kill{6}, Drain{5, 10s}}));
  EXPECT_EQ(fleet.reload(now), (Actions{Spawn{7, 4, 4}, Spawn{8, 5, 4}}));
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
  static_cast<void>(fleet.ready(2, now));

  EXPECT_EQ(fleet.reload(now), (Actions{Kill{1}, Drain{2, 10s}, Spawn{3, 2, 2}, Spawn{4, 3, 2}}));
  EXPECT_EQ(fleet.exited(1, now), Actions{});
  EXPECT_EQ(fleet.ready(3, now), Actions{Serve{3}});
  EXPECT_EQ(fleet.ready(4, now), (Actions{Serve{4}, Serving{2}}));
}

// --- few processors

struct CrowdedStartTest : FleetTest {
  CrowdedStartTest() {
    FleetConfig config = two_workers();
    config.processes = 4;
    config.first_loads_at_once = 2;
    fleet = Fleet{config};
  }
};

TEST_F(CrowdedStartTest, LoadsFewWorkersAtATime) {
  EXPECT_EQ(fleet.start(now), (Actions{Spawn{1, 0, 1}, Spawn{2, 1, 1}}));

  EXPECT_EQ(fleet.ready(2, now), (Actions{Serve{2}, Spawn{3, 2, 1}}));
  EXPECT_EQ(fleet.ready(1, now), (Actions{Serve{1}, Spawn{4, 3, 1}}));
  EXPECT_EQ(fleet.next_deadline(), now + 60s);
  EXPECT_EQ(fleet.ready(3, now), Actions{Serve{3}});
  EXPECT_EQ(fleet.ready(4, now), (Actions{Serve{4}, Serving{1}}));
}

TEST_F(CrowdedStartTest, StartsOthersWhileTheyTakeTheirTime) {
  static_cast<void>(fleet.start(now));

  EXPECT_EQ(fleet.next_deadline(), now + 1s);
  EXPECT_EQ(fleet.tick(now + 999ms), Actions{});
  EXPECT_EQ(fleet.tick(now + 1s), (Actions{Spawn{3, 2, 1}, Spawn{4, 3, 1}}));
  EXPECT_EQ(fleet.next_deadline(), now + 60s);
}

TEST_F(CrowdedStartTest, CountsForEachHowLongItHasLoaded) {
  static_cast<void>(fleet.start(now));
  EXPECT_EQ(fleet.ready(1, now + 500ms), (Actions{Serve{1}, Spawn{3, 2, 1}}));

  EXPECT_EQ(fleet.next_deadline(), now + 1s);
  EXPECT_EQ(fleet.tick(now + 1s), (Actions{Spawn{4, 3, 1}}));
}

TEST_F(CrowdedStartTest, LoadsNoMoreOnceOneCannot) {
  static_cast<void>(fleet.start(now));

  EXPECT_EQ(fleet.failed(1, now),
            (Actions{reported(1, Trouble::load_failure, Consequence::end), Kill{1}, Kill{2}}));
  EXPECT_EQ(fleet.exited(1, now), Actions{});
  EXPECT_EQ(fleet.exited(2, now), Actions{Finish{1}});
}

TEST_F(CrowdedStartTest, FillsThePlacesOfTheDeadAllAtOnceLater) {
  static_cast<void>(fleet.start(now));
  for (const WorkerId worker : {1U, 2U, 3U, 4U}) static_cast<void>(fleet.ready(worker, now));

  for (const WorkerId worker : {1U, 2U, 3U}) {
    EXPECT_TRUE(std::holds_alternative<Spawn>(fleet.exited(worker, now).back()));
  }
}

}  // namespace
}  // namespace spawning
