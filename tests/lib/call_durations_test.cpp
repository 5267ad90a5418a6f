// SPDX-License-Identifier: MIT
#include "work/call_durations.hpp"

#include <gtest/gtest.h>

#include <string>

namespace spawning {
namespace {

using namespace std::chrono_literals;

struct CallDurationsTest : ::testing::Test {
  CallDurations durations;

  void note(std::string_view path, CallDurations::Microseconds took, int times = 50) {
    for (int i = 0; i < times; ++i) durations.note(CallDurations::route_of(path), took);
  }

  [[nodiscard]] CallDurations::Expectation of(std::string_view path) const {
    return durations.of(CallDurations::route_of(path));
  }
};

TEST_F(CallDurationsTest, KnowsNothingAtFirst) {
  EXPECT_EQ(of("/").duration, 0us);
  EXPECT_FALSE(of("/").brief);
}

TEST_F(CallDurationsTest, TakesCallsForTheSameWhosePathsBeginWithTheSameTwoSegments) {
  EXPECT_EQ(CallDurations::route_of("/api/users/17/mail"), CallDurations::route_of("/api/users"));
  EXPECT_EQ(CallDurations::route_of("/api/users/"), CallDurations::route_of("/api/users/17"));

  EXPECT_NE(CallDurations::route_of("/api/users"), CallDurations::route_of("/api/reports"));
  EXPECT_NE(CallDurations::route_of("/"), CallDurations::route_of("/api"));
  EXPECT_EQ(CallDurations::route_of("*"), CallDurations::route_of("*"));
  EXPECT_EQ(CallDurations::route_of(""), CallDurations::route_of(""));
}

TEST_F(CallDurationsTest, IsBriefBesideWhatTakesUpTheTime) {
  note("/report", 20ms);
  note("/health", 100us, 1000);

  EXPECT_TRUE(of("/health").brief);
  EXPECT_NEAR(static_cast<double>(of("/health").duration.count()), 100, 1);
  EXPECT_FALSE(of("/report").brief);
  EXPECT_NEAR(static_cast<double>(of("/report").duration.count()), 20'000, 1);
}

TEST_F(CallDurationsTest, IsNotBriefWhereNothingTakesLong) {
  note("/slower", 900us);
  note("/faster", 10us);

  EXPECT_FALSE(of("/faster").brief);
}

TEST_F(CallDurationsTest, IsNotBriefWhereAllTakeAboutAsLong) {
  note("/a", 20ms);
  note("/b", 10ms);

  EXPECT_FALSE(of("/b").brief);
}

TEST_F(CallDurationsTest, ExpectsWhatIsUnknownToBeLikeMostOfTheTime) {
  note("/report", 20ms);
  note("/health", 100us, 10);

  EXPECT_FALSE(of("/new").brief);
  EXPECT_NEAR(static_cast<double>(of("/new").duration.count()), 20'000, 500);
}

TEST_F(CallDurationsTest, LearnsAnew) {
  note("/report", 20ms);
  note("/health", 100us);
  note("/health", 30ms);

  EXPECT_FALSE(of("/health").brief);
}

TEST_F(CallDurationsTest, ForgetsWhatWasLongOnce) {
  note("/report", 20ms);
  note("/health", 100us, 200'000);  // ten seconds of them in all

  EXPECT_FALSE(of("/health").brief);
}

TEST_F(CallDurationsTest, CountsAStreamOfHoursAsATenthOfASecond) {
  EXPECT_EQ(CallDurations::counted(2h), 100ms);
  EXPECT_EQ(CallDurations::counted(20ms), 20ms);
  EXPECT_EQ(CallDurations::counted(1ns), 1us);
}

TEST_F(CallDurationsTest, TellsOnceThatACallHasBeenLong) {
  note("/health", 999us);
  EXPECT_FALSE(durations.seen_long());

  note("/report", 1ms, 1);

  EXPECT_TRUE(durations.seen_long());
  EXPECT_FALSE(durations.seen_long());
}

TEST_F(CallDurationsTest, LastsWhateverIsAsked) {
  note("/report", 20ms);
  for (int i = 0; i < 100'000; ++i) note("/" + std::to_string(i), 100us, 1);
  note("/report", 20ms);

  EXPECT_TRUE(of("/99999").brief);
  EXPECT_FALSE(of("/report").brief);
}

}  // namespace
}  // namespace spawning
