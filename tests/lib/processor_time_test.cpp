// SPDX-License-Identifier: MIT
#include "base/processor_time.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "support/temporary_directory.hpp"

namespace spawning {
namespace {

using namespace std::chrono_literals;

TEST(ProcessorTimeTest, AddsUserAndSystemTimeWhateverTheProgramIsCalled) {
  const test::TemporaryDirectory proc;
  std::filesystem::create_directory(proc / "7");
  std::ofstream{proc / "7/stat"} << "7 (a) R 9 (b) S 1 2 3 4 5 6 7 8 9 10 250 50 13 14 15\n";

  EXPECT_EQ(processor_time_of(7, proc / ""), 3000ms * 100 / ::sysconf(_SC_CLK_TCK));
}

TEST(ProcessorTimeTest, GrowsWhileAProcessWorks) {
  const auto before = processor_time_of(::getpid());
  ASSERT_TRUE(before);

  while (processor_time_of(::getpid()) <= before) {
  }
}

TEST(ProcessorTimeTest, OfThisProcessGrowsWhileItWorks) {
  const auto before = own_processor_time();
  ASSERT_GT(before.count(), 0);

  while (own_processor_time() <= before) {
  }
}

TEST(ProcessorTimeTest, IsEmptyForAProcessThatIsNotThere) {
  const test::TemporaryDirectory proc;

  EXPECT_EQ(processor_time_of(7, proc / ""), std::nullopt);
}

}  // namespace
}  // namespace spawning
