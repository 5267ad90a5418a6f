// SPDX-License-Identifier: MIT
#include "work/fair_turns.hpp"

#include <gtest/gtest.h>

namespace spawning {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;

struct FairTurnsTest : ::testing::Test {
  FairTurns turns;
  microseconds usual{0}, brief{0};  // the time that each has had

  void take(bool is_brief) {
    turns.takes(is_brief, is_brief ? 100us : 10'000us);
    (is_brief ? brief : usual) += is_brief ? 100us : 10'000us;
  }

  // The part of the time that brief ones have while both wait.
  [[nodiscard]] double part_of_brief_ones(int calls) {
    usual = brief = 0us;
    for (int i = 0; i < calls; ++i) take(turns.brief_may_overtake());
    return static_cast<double>(brief.count()) / static_cast<double>((brief + usual).count());
  }
};

TEST_F(FairTurnsTest, BriefOnesOvertakeForAQuarterOfTheTime) {
  turns.arrives(false);
  turns.arrives(true);
  EXPECT_TRUE(turns.brief_may_overtake());

  EXPECT_NEAR(part_of_brief_ones(100'000), .25, .01);
}

TEST_F(FairTurnsTest, ABriefOneOvertakesHoweverLongTheOthersHaveHadTheThreads) {
  turns.arrives(false);
  for (int i = 0; i < 1000; ++i) take(false);

  turns.arrives(true);

  EXPECT_TRUE(turns.brief_may_overtake());
  EXPECT_NEAR(part_of_brief_ones(10'000), .25, .01);
}

TEST_F(FairTurnsTest, NobodySavesUpTimeWithNothingToDo) {
  turns.arrives(true);
  for (int i = 0; i < 100'000; ++i) take(true);

  turns.arrives(false);

  EXPECT_NEAR(part_of_brief_ones(10'000), .25, .01);
}

TEST_F(FairTurnsTest, WhatIsExpectedWronglyIsCorrected) {
  turns.arrives(false);
  turns.arrives(true);
  turns.takes(true, 100us);
  EXPECT_FALSE(turns.brief_may_overtake());

  turns.correct(true, -100us);  // it was dropped

  EXPECT_TRUE(turns.brief_may_overtake());
  turns.takes(true, 100us);
  turns.correct(true, 9'900us);
  turns.takes(false, 29'999us);
  EXPECT_FALSE(turns.brief_may_overtake());
  turns.takes(false, 1us);
  EXPECT_TRUE(turns.brief_may_overtake());
}

}  // namespace
}  // namespace spawning
