// SPDX-License-Identifier: MIT
#include "base/spool_file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace spawning {
namespace {

std::string target_of(const UniqueFd& fd) {
  return std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd.get()));
}

bool works(const UniqueFd& file) {
  char octet = 0;
  return ::pwrite(file.get(), "x", 1, 5) == 1 && ::pread(file.get(), &octet, 1, 5) == 1 &&
         octet == 'x';
}

TEST(SpoolFileTest, HasNoNameAndIsCloseOnExec) {
  const UniqueFd file = open_spool_file();

  struct stat status;
  ASSERT_EQ(::fstat(file.get(), &status), 0);
  EXPECT_EQ(status.st_nlink, 0u);
  EXPECT_EQ(::fcntl(file.get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  EXPECT_TRUE(works(file));
}

TEST(SpoolFileTest, PassesOverDirectoriesThatCannotHoldOne) {
  const char* const directories[] = {nullptr, "", "/nonexistent", "/dev/null", "/proc", "/dev/shm"};

  const UniqueFd file = open_spool_file(directories);

  EXPECT_TRUE(target_of(file).starts_with("/dev/shm/")) << target_of(file);
  EXPECT_TRUE(works(file));
}

TEST(SpoolFileTest, IsInMemoryWhereNoDirectoryCanHoldOne) {
  const char* const directories[] = {"/nonexistent"};

  const UniqueFd file = open_spool_file(directories);

  EXPECT_TRUE(target_of(file).starts_with("/memfd:")) << target_of(file);
  EXPECT_EQ(::fcntl(file.get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  EXPECT_TRUE(works(file));
}

}  // namespace
}  // namespace spawning
