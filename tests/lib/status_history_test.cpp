// SPDX-License-Identifier: MIT
#include "status/status_history.hpp"

#include <gtest/gtest.h>

namespace spawning {
namespace {

using namespace std::chrono_literals;

struct StatusHistoryTest : ::testing::Test {
  // So many answers in a bucket of durations, of them some 5xx; and a step later, a sample.
  void answer(std::uint64_t count, std::size_t bucket, std::uint64_t errors = 0) {
    sample.totals.exchanges[0][2] += count - errors;
    sample.totals.exchanges[2][5] += errors;
    sample.totals.duration.counts.at(bucket) += count;
  }
  const StatusHistory::Point& next(std::chrono::milliseconds after = StatusHistory::kStep) {
    history.add(sample, now += after);
    return history.points().back();
  }

  StatusHistory history;
  StatusSample sample;
  StatusHistory::Time now{1000s};
};

TEST_F(StatusHistoryTest, KnowsWhatIsAtTheFirstSampleButNothingOfWhatWas) {
  sample.connections = 7;
  sample.running = 3;
  sample.queued = 2;
  sample.memory = Bytes{1 << 20};
  answer(1000, 0);

  const auto& point = next();

  EXPECT_EQ(point.connections, 7U);
  EXPECT_EQ(point.running, 3U);
  EXPECT_EQ(point.queued, 2U);
  EXPECT_EQ(point.memory, 1U << 20);
  EXPECT_EQ(point.answers_per_second, std::nullopt);
  EXPECT_EQ(point.median, std::nullopt);
  EXPECT_EQ(history.last(), now);
}

TEST_F(StatusHistoryTest, MakesRatesOfWhatHasBeenAnsweredWithinAStep) {
  answer(1000, 0);
  next();
  answer(50, 3, 10);

  const auto& point = next();

  EXPECT_DOUBLE_EQ(*point.answers_per_second, 10);
  EXPECT_DOUBLE_EQ(*point.errors_per_second, 2);
}

TEST_F(StatusHistoryTest, DividesByTheTimeThatHasReallyPassed) {
  next();
  answer(60, 0);

  EXPECT_DOUBLE_EQ(*next(6s).answers_per_second, 10);
}

TEST_F(StatusHistoryTest, HasLatenciesOfTheStepOnly) {
  answer(1000, 16);  // before
  next();
  answer(98, 3);  // 2.5 to 5 ms
  answer(2, 6);   // 25 to 50 ms

  const auto& point = next();

  EXPECT_NEAR(*point.median, .0025 + .0025 * 50 / 98, 1e-9);
  EXPECT_NEAR(*point.percentile_99, .025 + .025 / 2, 1e-9);
}

TEST_F(StatusHistoryTest, HasNoLatencyWhereNothingWasAnswered) {
  next();
  const auto& point = next();

  EXPECT_EQ(*point.answers_per_second, 0);
  EXPECT_EQ(point.median, std::nullopt);
  EXPECT_EQ(point.percentile_99, std::nullopt);
}

TEST_F(StatusHistoryTest, LeavesAGapWhereSamplesWereMissed) {
  next();
  answer(100, 0);
  sample.connections = 5;
  next(4 * StatusHistory::kStep + 200ms);

  ASSERT_EQ(history.points().size(), 5U);
  EXPECT_EQ(history.points()[3].connections, std::nullopt);
  EXPECT_EQ(history.points()[4].connections, 5U);
  EXPECT_EQ(history.points()[4].answers_per_second, std::nullopt);  // when they were is not known

  answer(10, 0);
  EXPECT_DOUBLE_EQ(*next().answers_per_second, 2);
}

TEST_F(StatusHistoryTest, DoesNotTakeASampleThatIsALittleLateForAMissedOne) {
  next();
  next(StatusHistory::kStep + 2400ms);
  next(StatusHistory::kStep - 2400ms);

  EXPECT_EQ(history.points().size(), 3U);
  EXPECT_TRUE(history.points().back().answers_per_second);
}

TEST_F(StatusHistoryTest, ForgetsWhatIsOlderThanTenMinutes) {
  for (std::uint64_t i = 0; i < 130; ++i) {
    sample.connections = i;
    next();
  }

  EXPECT_EQ(StatusHistory::kMost * StatusHistory::kStep, 10min);
  EXPECT_EQ(history.points().size(), StatusHistory::kMost);
  EXPECT_EQ(history.points().front().connections, 10U);
  EXPECT_EQ(history.points().back().connections, 129U);
}

TEST_F(StatusHistoryTest, ForgetsEverythingInAGapOfDays) {
  next();
  next(72h);

  EXPECT_EQ(history.points().size(), StatusHistory::kMost);
  EXPECT_EQ(history.points().front().connections, std::nullopt);
  EXPECT_EQ(history.points().back().connections, 0U);
}

}  // namespace
}  // namespace spawning
