// SPDX-License-Identifier: MIT
#include "supervise/worker_health.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace spawning {
namespace {

struct WorkerHealthTest : ::testing::Test {
  bool look(const std::vector<WorkerProgress>& serving) { return health.look(serving); }

  WorkerHealth health;
};

TEST_F(WorkerHealthTest, NobodyIsHealthyWhereNobodyServes) { EXPECT_FALSE(look({})); }

TEST_F(WorkerHealthTest, AWorkerInWhichNothingWaitsIsHealthy) {
  EXPECT_TRUE(look({{.worker = 1}}));
  EXPECT_TRUE(look({{.worker = 1}}));
}

TEST_F(WorkerHealthTest, AWorkerThatAnswersIsHealthyHoweverMuchWaits) {
  EXPECT_TRUE(look({{.worker = 1, .answers = 7, .queued = 100}}));
  EXPECT_TRUE(look({{.worker = 1, .answers = 8, .queued = 200}}));
}

TEST_F(WorkerHealthTest, AWorkerThatAnswersNothingWhileSomethingWaitsIsStuck) {
  EXPECT_TRUE(look({{.worker = 1, .answers = 7, .queued = 1}}));
  EXPECT_FALSE(look({{.worker = 1, .answers = 7, .queued = 1}}));
  EXPECT_TRUE(look({{.worker = 1, .answers = 8, .queued = 1}}));
}

TEST_F(WorkerHealthTest, OneThatIsHealthyIsEnough) {
  static_cast<void>(look({{.worker = 1, .queued = 1}, {.worker = 2}}));

  EXPECT_TRUE(look({{.worker = 1, .queued = 1}, {.worker = 2}}));
}

TEST_F(WorkerHealthTest, ANewWorkerGetsItsTimeWhateverTheOneBeforeHasAnswered) {
  static_cast<void>(look({{.worker = 1, .answers = 7, .queued = 1}}));

  EXPECT_TRUE(look({{.worker = 2, .answers = 7, .queued = 1}}));
}

}  // namespace
}  // namespace spawning
