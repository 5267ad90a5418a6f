// SPDX-License-Identifier: MIT
#include "spawning/capacity.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <fstream>

#include "support/temporary_directory.hpp"

namespace spawning {
namespace {

namespace fs = std::filesystem;

struct CapacityTest : ::testing::Test {
  test::TemporaryDirectory directory;

  void write(const std::string& name, const std::string& text) const {
    const fs::path path = directory.path() / name;
    fs::create_directories(path.parent_path());
    std::ofstream{path} << text;
  }
  void available(unsigned mebibytes) const {
    write("proc/meminfo", "MemTotal:       99999999 kB\nMemAvailable:   " +
                              std::to_string(mebibytes << 10) + " kB\n");
  }
  [[nodiscard]] Capacity of(unsigned affinity) const {
    return capacity(affinity, directory.path());
  }
};

TEST_F(CapacityTest, IsAWorkerAProcessor) {
  EXPECT_EQ(of(8).workers, 8U);
  EXPECT_EQ(of(8).reason, "8 processors");
  EXPECT_EQ(of(1).reason, "1 processor");
  EXPECT_EQ(of(0).workers, 1U);
}

TEST_F(CapacityTest, IsLimitedByTheQuotaOfVersion2) {
  write("proc/self/cgroup", "0::/shop/web\n");
  write("sys/fs/cgroup/shop/web/cpu.max", "250000 100000\n");
  EXPECT_EQ(of(8).workers, 3U);
  EXPECT_EQ(of(8).reason, "the control group's quota is 3 processors of 8");
  EXPECT_EQ(of(2).workers, 2U);

  write("sys/fs/cgroup/shop/cpu.max", "50000 100000\n");  // holds for all below
  EXPECT_EQ(of(8).workers, 1U);
  EXPECT_EQ(of(8).reason, "the control group's quota is 1 processor of 8");
}

TEST_F(CapacityTest, IsNotLimitedByWhatIsNoQuota) {
  write("proc/self/cgroup", "0::/\n");
  for (const char* quota : {"max 100000\n", "", "0 0\n", "-1 100000\n", "oops\n"}) {
    write("sys/fs/cgroup/cpu.max", quota);
    write("sys/fs/cgroup/memory.max", "max\n");
    EXPECT_EQ(of(8).workers, 8U) << quota;
  }
}

TEST_F(CapacityTest, TakesTheGroupThatItSeesInAContainer) {
  write("proc/self/cgroup", "0::/../../elsewhere\n");
  write("sys/fs/cgroup/cpu.max", "200000 100000\n");

  EXPECT_EQ(of(8).workers, 2U);
}

TEST_F(CapacityTest, IsLimitedByTheQuotaOfVersion1) {
  write("proc/self/cgroup",
        "4:memory:/shop\n3:cpu,cpuacct:/shop\n1:name=systemd:/init\n0::/init\n");
  write("sys/fs/cgroup/cpu/shop/cpu.cfs_quota_us", "400000\n");
  write("sys/fs/cgroup/cpu/shop/cpu.cfs_period_us", "100000\n");
  write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(of(8).workers, 4U);

  write("sys/fs/cgroup/memory/shop/memory.limit_in_bytes", "536870912\n");
  EXPECT_EQ(of(8).workers, 2U);
}

TEST_F(CapacityTest, IsLimitedByTheMemoryOfTheGroup) {
  available(100'000);
  write("proc/self/cgroup", "0::/\n");
  write("sys/fs/cgroup/memory.max", "1073741824\n");

  EXPECT_EQ(of(8).workers, 4U);
  EXPECT_EQ(
      of(8).reason,
      "1024 MiB is the control group's limit of memory, and a worker is taken to need 256 MiB");
  EXPECT_EQ(of(4).reason, "4 processors");
}

TEST_F(CapacityTest, IsLimitedByTheMemoryThatIsAvailable) {
  available(600);
  EXPECT_EQ(of(8).workers, 2U);
  EXPECT_EQ(of(8).reason, "600 MiB of memory is available, and a worker is taken to need 256 MiB");

  available(10);
  EXPECT_EQ(of(8).workers, 1U);  // at least
}

TEST_F(CapacityTest, CountsTheProcessorsOfTheAffinity) {
  const unsigned before = affine_processors();
  ASSERT_GE(before, 1U);
  cpu_set_t all{}, one{};
  ASSERT_EQ(::sched_getaffinity(0, sizeof all, &all), 0);
  for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++i) {
    if (CPU_ISSET(i, &all)) CPU_SET(i, &one);
  }
  ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);

  EXPECT_EQ(affine_processors(), 1U);

  ASSERT_EQ(::sched_setaffinity(0, sizeof all, &all), 0);
  EXPECT_EQ(affine_processors(), before);
}

}  // namespace
}  // namespace spawning
