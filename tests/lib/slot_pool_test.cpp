// SPDX-License-Identifier: MIT
#include "net/slot_pool.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <vector>

namespace spawning {
namespace {

constexpr std::size_t kSize = 1000;
constexpr std::size_t kKept = 100;

struct SlotPoolTest : ::testing::Test {
  SlotPool pool{kSize, kKept};
  std::vector<void*> taken;

  void take(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      taken.push_back(pool.take());
      std::memset(taken.back(), static_cast<int>(taken.size() % 251), kSize);
    }
  }

  void give_back(std::size_t index) {
    pool.give_back(taken[index]);
    taken[index] = taken.back();
    taken.pop_back();
  }

  void give_all_back() {
    while (!taken.empty()) give_back(taken.size() / 2);
  }
};

TEST_F(SlotPoolTest, HasNothingBeforeItIsAsked) { EXPECT_EQ(pool.held(), 0U); }

TEST_F(SlotPoolTest, HandsOutWhatHasComeBack) {
  take(2);
  void* const first = taken.front();

  give_back(0);

  EXPECT_EQ(pool.take(), first);
  pool.give_back(first);
  give_all_back();
}

TEST_F(SlotPoolTest, HandsOutPlacesThatDoNotOverlap) {
  take(1000);

  for (std::size_t i = 0; i < taken.size(); ++i) {
    const auto* const octets = static_cast<const unsigned char*>(taken[i]);
    EXPECT_EQ(octets[0], (i + 1) % 251);
    EXPECT_EQ(octets[kSize - 1], (i + 1) % 251);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(octets) % alignof(std::max_align_t), 0U);
  }
  give_all_back();
}

TEST_F(SlotPoolTest, GivesTheMemoryOfACrowdBack) {
  take(10'000);
  EXPECT_GE(pool.held(), 10'000 * kSize);

  give_all_back();

  EXPECT_GE(pool.held(), kKept * kSize);
  EXPECT_LT(pool.held(), (kKept + 200) * kSize);
}

TEST_F(SlotPoolTest, NeedsNoMoreOfTheSystemForACrowdThatComesAndGoes) {
  take(500);
  const std::size_t held = pool.held();

  for (int i = 0; i < 10'000; ++i) {
    give_back(static_cast<std::size_t>(i * 7) % taken.size());
    take(1);
  }

  EXPECT_EQ(pool.held(), held);
  give_all_back();
}

}  // namespace
}  // namespace spawning
