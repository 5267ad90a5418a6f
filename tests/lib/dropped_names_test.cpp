// SPDX-License-Identifier: MIT
#include "http/dropped_names.hpp"

#include <gtest/gtest.h>

namespace spawning {
namespace {

TEST(DroppedNamesTest, SaysOfEachNameOnceThatItIsNew) {
  DroppedNames names;

  EXPECT_TRUE(names.is_new("X_A"));
  EXPECT_TRUE(names.is_new("X_B"));
  EXPECT_FALSE(names.is_new("X_A"));
  EXPECT_FALSE(names.is_new("x_a"));
}

TEST(DroppedNamesTest, TakesLongNamesThatBeginAlikeForTheSame) {
  DroppedNames names;
  const std::string begin(DroppedNames::kMostOctets, '_');

  EXPECT_TRUE(names.is_new(begin + "a"));
  EXPECT_FALSE(names.is_new(begin + "b"));
}

TEST(DroppedNamesTest, KeepsSilentOnceItIsFull) {
  DroppedNames names;
  for (std::size_t i = 0; i < DroppedNames::kMostNames; ++i)
    EXPECT_TRUE(names.is_new("X_" + std::to_string(i)));

  EXPECT_FALSE(names.is_new("X_new"));
}

}  // namespace
}  // namespace spawning
