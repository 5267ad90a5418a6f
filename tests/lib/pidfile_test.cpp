// SPDX-License-Identifier: MIT
#include "spawning/pidfile.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "spawning/error.hpp"
#include "support/temporary_directory.hpp"

namespace spawning {
namespace {

using test::TemporaryDirectory;

struct PidfileTest : ::testing::Test {
  void put(const std::string& content) const { std::ofstream{path} << content; }

  [[nodiscard]] std::string content() const {
    std::ifstream file{path};
    return {std::istreambuf_iterator<char>{file}, {}};
  }

  [[nodiscard]] std::string refusal() const {
    try {
      static_cast<void>(Pidfile::acquire(path));
    } catch (const StartupError& error) {
      return error.what();
    }
    return "";
  }

  // Files in the directory: none is left over.
  [[nodiscard]] std::ptrdiff_t files() const {
    return std::distance(std::filesystem::directory_iterator{directory.path()}, {});
  }

  TemporaryDirectory directory;
  std::string path = directory / "shop.pid";
  std::string ours = std::to_string(::getpid()) + "\n";
};

TEST_F(PidfileTest, HoldsThePidAndIsRemovedAtTheEnd) {
  {
    const Pidfile pidfile = Pidfile::acquire(path);

    EXPECT_EQ(content(), ours);
    EXPECT_EQ(pidfile.path(), path);
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0644U);
    EXPECT_EQ(status.st_nlink, 1U);
    EXPECT_EQ(files(), 1);
  }
  EXPECT_EQ(files(), 0);
}

TEST_F(PidfileTest, IsRefusedWhileItsProcessRuns) {
  std::optional<Pidfile> pidfile = Pidfile::acquire(path);

  EXPECT_EQ(refusal(), path + " belongs to process " + std::to_string(::getpid()) + ", which runs");
  EXPECT_EQ(content(), ours);
  EXPECT_EQ(files(), 1);
  pidfile.reset();
  EXPECT_EQ(refusal(), "");
}

TEST_F(PidfileTest, ReplacesWhatAProcessThatHasEndedHasLeft) {
  for (const std::string stale : {"4711\n", "4711", "1\n", "", "\n"}) {
    put(stale);

    const Pidfile pidfile = Pidfile::acquire(path);

    EXPECT_EQ(content(), ours);
    EXPECT_EQ(files(), 1);
  }
}

TEST_F(PidfileTest, IsStaleOnceItsProcessIsKilled) {
  const pid_t child = ::fork();
  if (child == 0) {
    const Pidfile pidfile = Pidfile::acquire(path);
    ::kill(::getpid(), SIGKILL);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_EQ(content(), std::to_string(child) + "\n");

  const Pidfile pidfile = Pidfile::acquire(path);

  EXPECT_EQ(content(), ours);
}

TEST_F(PidfileTest, LeavesAloneWhatIsNoPidfile) {
  const std::string reason = path + " is something else than a pidfile, and is left alone";
  for (const std::string other : {"import os\n", "12 34\n", "123456789012345678901\n"}) {
    put(other);
    EXPECT_EQ(refusal(), reason);
    EXPECT_EQ(content(), other);
  }
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  EXPECT_EQ(refusal(), reason);
  std::filesystem::remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(refusal(), reason);
  std::filesystem::remove(path);
  std::filesystem::create_symlink("elsewhere", path);
  EXPECT_EQ(refusal(), path + " is a symbolic link, and is left alone");
  EXPECT_EQ(files(), 1);
}

TEST_F(PidfileTest, NamesADirectoryThatIsNotThere) {
  path = directory / "absent/shop.pid";

  EXPECT_EQ(refusal(), path + " cannot be created: No such file or directory");
}

TEST_F(PidfileTest, IsNotRemovedOnceAnotherOneHasTakenItsPlace) {
  {
    const Pidfile pidfile = Pidfile::acquire(path);
    std::filesystem::remove(path);
    put("4711\n");
  }
  EXPECT_EQ(content(), "4711\n");
}

TEST_F(PidfileTest, IsOwnedByOneAlsoWhenItMoves) {
  std::optional<Pidfile> first = Pidfile::acquire(path);
  std::optional<Pidfile> second{std::in_place, std::move(*first)};

  first.reset();
  EXPECT_EQ(content(), ours);
  second = Pidfile::acquire(directory / "other.pid");
  EXPECT_EQ(files(), 1);
  second.reset();
  EXPECT_EQ(files(), 0);
}

TEST_F(PidfileTest, GoesOnInTheNextProgramByItsDescriptor) {
  const int kept = [this] {
    const Pidfile before = Pidfile::acquire(path);
    const int copy = ::fcntl(before.descriptor(), F_DUPFD_CLOEXEC, 0);
    std::filesystem::rename(path, directory / "kept");  // so that `before` does not remove it
    return copy;
  }();
  std::filesystem::rename(directory / "kept", path);

  {
    const Pidfile after{UniqueFd{kept}, path};

    EXPECT_NE(refusal(), "");
    EXPECT_EQ(content(), ours);
  }
  EXPECT_EQ(files(), 0);
}

TEST_F(PidfileTest, IsEmptiedWhereItCannotBeRemoved) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become a user who may not";
  std::filesystem::permissions(directory.path(), std::filesystem::perms{0755});
  const pid_t child = ::fork();
  if (child == 0) {
    {
      const Pidfile pidfile = Pidfile::acquire(path);
      if (::setresuid(65534, 65534, 65534) != 0) ::_exit(2);
    }
    ::_exit(0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  EXPECT_EQ(content(), "");
  EXPECT_TRUE(std::filesystem::exists(path));

  const Pidfile pidfile = Pidfile::acquire(path);

  EXPECT_EQ(content(), ours);
}

// Of many processes that start at once over a stale file, exactly one has it.
TEST_F(PidfileTest, BelongsToOneOfManyWhoWantIt) {
  put("4711\n");
  constexpr int kMany = 20;
  std::array<int, 2> gate{}, held{};
  ASSERT_EQ(::pipe(gate.data()), 0);
  ASSERT_EQ(::pipe(held.data()), 0);
  for (int i = 0; i < kMany; ++i) {
    if (::fork() != 0) continue;
    ::close(gate[1]);
    char octet = 0;
    static_cast<void>(::read(gate[0], &octet, 1));  // until all are there
    try {
      const Pidfile pidfile = Pidfile::acquire(path);
      static_cast<void>(::write(held[1], "y", 1));
      ::pause();
    } catch (const StartupError&) {
      static_cast<void>(::write(held[1], "n", 1));
    }
    ::_exit(0);
  }
  ::close(gate[1]);
  std::string answers(kMany, '\0');
  for (char& answer : answers) ASSERT_EQ(::read(held[0], &answer, 1), 1);

  EXPECT_EQ(std::ranges::count(answers, 'y'), 1) << answers;
  EXPECT_EQ(files(), 1);
  ::kill(std::stoi(content()), SIGKILL);
  for (int i = 0; i < kMany; ++i) ::wait(nullptr);
  ::close(gate[0]);
  for (const int end : held) ::close(end);
}

}  // namespace
}  // namespace spawning
