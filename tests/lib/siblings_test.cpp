// SPDX-License-Identifier: MIT
#include "worker/siblings.hpp"

#include <gtest/gtest.h>

namespace spawning {
namespace {

struct SiblingsTest : ::testing::Test {
  static constexpr unsigned kOwn = 1;
  Scoreboard board = Scoreboard::create(8);
  Siblings siblings{board, kOwn};

  ScoreboardSlot& serve(unsigned index, std::uint64_t open = 0, std::uint64_t idle = 1) const {
    ScoreboardSlot& slot = board.occupy(index);
    slot.state = WorkerState::serving;
    slot.connections_open = open;
    slot.threads_idle = idle;
    return slot;
  }
};

TEST_F(SiblingsTest, AreFreeWithThreadsThatWaitForACall) {
  serve(kOwn);
  serve(0);
  serve(3, 0, 3).requests_queued = 1;
  serve(4, 0, 0);
  serve(5, 0, 1).requests_queued = 1;

  const auto free = siblings.free();

  EXPECT_TRUE(free.anybody_serves);
  EXPECT_EQ(free.slots, (std::vector<unsigned>{0, 3}));
  EXPECT_EQ(free.threads, 3U);
}

TEST_F(SiblingsTest, AreThereThoughNoneIsFree) {
  serve(0, 0, 0);

  EXPECT_TRUE(siblings.free().anybody_serves);
  EXPECT_TRUE(siblings.free().slots.empty());
}

TEST_F(SiblingsTest, AreNoneWithoutAnotherWorkerThatServes) {
  serve(kOwn, 100);
  serve(0).state = WorkerState::ready;
  serve(2).state = WorkerState::draining;

  EXPECT_FALSE(siblings.free().anybody_serves);
  EXPECT_EQ(siblings.surplus().connections, 0U);
}

TEST_F(SiblingsTest, AcceptWhileTheyServeWhateverTheirGeneration) {
  serve(kOwn).generation = 2;
  serve(0).state = WorkerState::ready;
  serve(2).state = WorkerState::draining;
  EXPECT_TRUE(siblings.none_accepts());

  serve(3).generation = 1;
  EXPECT_FALSE(siblings.none_accepts());
}

TEST_F(SiblingsTest, AreNoneOfAnOlderGeneration) {
  serve(kOwn, 100).generation = 2;
  serve(0).generation = 1;
  EXPECT_FALSE(siblings.free().anybody_serves);
  EXPECT_EQ(siblings.surplus().connections, 0U);

  serve(2).generation = 3;
  EXPECT_EQ(siblings.free().slots, (std::vector<unsigned>{2}));
  EXPECT_EQ(siblings.surplus().to, (std::vector<unsigned>{2}));
}

TEST_F(SiblingsTest, GetWhatIsAboveTheMeanIfTheyHaveLess) {
  serve(kOwn, 100);
  serve(0, 0);
  serve(2, 80);
  serve(3, 20);

  const auto surplus = siblings.surplus();

  EXPECT_EQ(surplus.connections, 50U);
  EXPECT_EQ(surplus.to, (std::vector<unsigned>{0, 3}));
}

TEST_F(SiblingsTest, GetNoMoreThanSomeAtOnce) {
  serve(kOwn, 10'000);
  serve(0, 0);

  EXPECT_EQ(siblings.surplus().connections, Siblings::kMostAtOnce);
}

TEST_F(SiblingsTest, GetNothingForALittle) {
  serve(kOwn, 1050);
  serve(0, 950);
  EXPECT_EQ(siblings.surplus().connections, 0U);

  board.slot(kOwn).connections_open = 1060;
  EXPECT_EQ(siblings.surplus().connections, 55U);

  board.slot(kOwn).connections_open = 4;
  board.slot(0).connections_open = 0;
  EXPECT_EQ(siblings.surplus().connections, 0U);
}

// Whatever the numbers, after everybody has given once nobody wants to give any more.
TEST_F(SiblingsTest, NeverGiveToEachOtherByTurns) {
  for (std::uint64_t first = 0; first < 300; first += 7) {
    for (std::uint64_t second = 0; second < 300; second += 11) {
      serve(0, first);
      serve(kOwn, second);
      Siblings of_first{board, 0};
      const auto back = of_first.surplus().connections, forth = siblings.surplus().connections;
      EXPECT_TRUE(back == 0 || forth == 0) << first << " and " << second;
      board.slot(0).connections_open += forth - back;
      board.slot(kOwn).connections_open += back - forth;
      EXPECT_EQ(of_first.surplus().connections, 0U) << first << " and " << second;
      EXPECT_EQ(siblings.surplus().connections, 0U) << first << " and " << second;
    }
  }
}

TEST_F(SiblingsTest, GetNothingWhileTheyAreStuck) {
  serve(kOwn, 100);
  ScoreboardSlot& stuck = serve(0, 0, 0);
  ScoreboardSlot& busy = serve(2, 10, 0);
  EXPECT_EQ(siblings.surplus().connections, 0U);  // nothing is known of either

  busy.requests_completed = 2;
  const auto surplus = siblings.surplus();
  EXPECT_EQ(surplus.connections, 45U);
  EXPECT_EQ(surplus.to, (std::vector<unsigned>{2}));

  stuck.requests_completed = 1;
  EXPECT_EQ(siblings.surplus().to, (std::vector<unsigned>{0}));  // `busy` has not got on since
}

TEST(RequestsToPassOnTest, AreAsManyAsFindAThread) {
  EXPECT_EQ(requests_to_pass_on(3, {true, {0}, 8}, false), 3U);
  EXPECT_EQ(requests_to_pass_on(7, {true, {0}, 1}, false), 1U);
  EXPECT_EQ(requests_to_pass_on(0, {true, {0}, 1}, true), 0U);
}

TEST(RequestsToPassOnTest, AreAsManyAsMakeTheQueuesEquallyLongIfThisOneIsStuck) {
  EXPECT_EQ(requests_to_pass_on(10, {true, {0}, 1}, true), 5U);
  EXPECT_EQ(requests_to_pass_on(63, {true, {0, 2}, 2}, true), 42U);
}

}  // namespace
}  // namespace spawning
