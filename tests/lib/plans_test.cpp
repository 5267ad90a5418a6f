// SPDX-License-Identifier: MIT
#include "supervise/plans.hpp"

#include <gtest/gtest.h>

namespace spawning {
namespace {

struct PlansTest : ::testing::Test {
  PlansTest() { plans.begin(0, {"first", 4}); }

  Plans plans;
};

TEST_F(PlansTest, CountForTheirGenerationAndLaterOnes) {
  plans.begin(3, {"third", 6});

  EXPECT_EQ(plans.of(1).settings, "first");
  EXPECT_EQ(plans.of(2).settings, "first");
  EXPECT_EQ(plans.of(3).settings, "third");
  EXPECT_EQ(plans.of(9).processes, 6U);
}

TEST_F(PlansTest, AreCurrentUntilNewerOnesServe) {
  plans.begin(2, {"second", 4});
  plans.begin(3, {"third", 4});
  EXPECT_EQ(plans.current().settings, "first");

  plans.serving(1);
  EXPECT_EQ(plans.current().settings, "first");
  plans.serving(2);
  EXPECT_EQ(plans.current().settings, "second");
  plans.serving(7);
  EXPECT_EQ(plans.current().settings, "third");
}

TEST_F(PlansTest, KeepTheOneThatServesWhateverFails) {
  for (std::uint64_t generation = 2; generation < 100; ++generation)
    plans.begin(generation, {std::to_string(generation), 4});

  EXPECT_EQ(plans.of(1).settings, "first");
  EXPECT_EQ(plans.of(99).settings, "99");
}

}  // namespace
}  // namespace spawning
