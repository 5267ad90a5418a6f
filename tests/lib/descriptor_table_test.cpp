// SPDX-License-Identifier: MIT
#include "base/descriptor_table.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

namespace spawning {
namespace {

// For how many descriptors the kernel has room now.
unsigned room() {
  std::ifstream status{"/proc/self/status"};
  for (std::string name; status >> name;) {
    unsigned size = 0;
    if (name == "FDSize:" && status >> size) return size;
  }
  ADD_FAILURE() << "no FDSize in /proc/self/status";
  return 0;
}

std::ptrdiff_t open_descriptors() {
  return std::distance(std::filesystem::directory_iterator{"/proc/self/fd"}, {});
}

// In a process of its own, as limits stay.
[[noreturn]] void exit_with_limit(rlim_t soft, void (*act)(), bool (*condition)()) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) std::_Exit(2);
  limit.rlim_cur = soft;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) std::_Exit(3);
  act();
  std::_Exit(condition() ? 0 : 1);
}

rlimit limit_now() {
  rlimit limit{};
  EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  return limit;
}

TEST(DescriptorTableTest, MakesRoomAndOpensNothing) {
  const auto before = open_descriptors();
  reserve_descriptors(900);
  EXPECT_GE(room(), 900U);
  EXPECT_EQ(open_descriptors(), before);
}

TEST(DescriptorTableTest, RoomIsWhatItWasWhenThereIsMoreThanAskedFor) {
  reserve_descriptors(900);
  const unsigned before = room();
  reserve_descriptors(10);
  reserve_descriptors(0);
  EXPECT_EQ(room(), before);
}

TEST(DescriptorTableTest, MakesAsMuchRoomAsTheLimitAllows) {
  EXPECT_EXIT(
      exit_with_limit(
          300, [] { reserve_descriptors(1 << 20); }, [] { return room() >= 300 && room() < 4096; }),
      ::testing::ExitedWithCode(0), "");
}

TEST(DescriptorTableTest, RaisesTheLimitToTheHardOne) {
  EXPECT_EXIT(exit_with_limit(
                  100, [] { raise_descriptor_limit(); },
                  [] {
                    const rlimit now = limit_now();
                    return now.rlim_cur == std::min<rlim_t>(now.rlim_max, 1 << 20);
                  }),
              ::testing::ExitedWithCode(0), "");
}

TEST(DescriptorTableTest, CopiesADescriptorForThisProcessOnly) {
  const UniqueFd file{::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)};

  const UniqueFd copy = copy_of(file.get());

  EXPECT_NE(copy.get(), file.get());
  EXPECT_EQ(::fcntl(copy.get(), F_GETFD), FD_CLOEXEC);
  EXPECT_THROW(static_cast<void>(copy_of(-1)), std::system_error);
}

}  // namespace
}  // namespace spawning
