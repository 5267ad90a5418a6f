// SPDX-License-Identifier: MIT
#include "base/memory_usage.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "support/temporary_directory.hpp"

namespace spawning {
namespace {

using test::TemporaryDirectory;

struct MemoryUsageTest : ::testing::Test {
  // Says in `proc` what there is of process 4711.
  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(proc.path() / "4711");
    std::ofstream{proc.path() / "4711" / name} << text;
  }

  [[nodiscard]] std::optional<Bytes> memory() const { return memory_of(4711, proc.path()); }

  TemporaryDirectory proc;
};

constexpr const char* kRollup =
    "55a0c0000000-7ffd5f1f2000 ---p 00000000 00:00 0                          [rollup]\n"
    "Rss:              110200 kB\n"
    "Pss:              104000 kB\n"
    "Pss_Dirty:         98000 kB\n"
    "Shared_Clean:       6200 kB\n";

TEST_F(MemoryUsageTest, IsTheProportionalSetSize) {
  write("smaps_rollup", kRollup);
  write("statm", "40000 27550 1700 1 0 30000 0\n");

  EXPECT_EQ(memory(), Bytes{104'000 << 10});
}

TEST_F(MemoryUsageTest, IsTheResidentSetSizeWhereTheOtherCannotBeRead) {
  write("statm", "40000 27550 1700 1 0 30000 0\n");

  EXPECT_EQ(memory(), Bytes{27'550 * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))});
}

TEST_F(MemoryUsageTest, IsTheResidentSetSizeWhereTheOtherIsEmpty) {
  write("smaps_rollup", "");  // of a process that has ended, or without memory of its own
  write("statm", "40000 1 1700 1 0 30000 0\n");

  EXPECT_EQ(memory(), Bytes{static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))});
}

TEST_F(MemoryUsageTest, IsUnknownOfAProcessThatIsNotThere) { EXPECT_EQ(memory(), std::nullopt); }

TEST_F(MemoryUsageTest, GrowsWithWhatThisProcessUses) {
  const auto before = memory_of(::getpid());
  const std::vector<char> grown(64 << 20, 'x');

  const auto after = memory_of(::getpid());

  ASSERT_TRUE(before && after);
  EXPECT_GE(after->count, before->count + (60 << 20)) << grown.back();
}

}  // namespace
}  // namespace spawning
