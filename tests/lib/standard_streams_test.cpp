// SPDX-License-Identifier: MIT
#include "record/standard_streams.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string_view>

#include "spawning/error.hpp"
#include "support/temporary_directory.hpp"

namespace spawning {
namespace {

using test::TemporaryDirectory;

void say(int stream, std::string_view text) {
  [[maybe_unused]] const ssize_t ignored = ::write(stream, text.data(), text.size());
}

// Streams belong to a whole process.
int in_a_child(const std::function<void()>& action) {
  const pid_t child = ::fork();
  if (child == 0) {
    action();
    ::_exit(0);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  return status;
}

struct StandardStreamsTest : ::testing::Test {
  [[nodiscard]] std::string content(const std::string& name) const {
    std::ifstream file{directory / name};
    return {std::istreambuf_iterator<char>{file}, {}};
  }

  TemporaryDirectory directory;
  std::string output = directory / "output", errors = directory / "errors";
};

TEST_F(StandardStreamsTest, AreFilesThatAreAppendedToOnceTheyAreUsed) {
  std::ofstream{output} << "before\n";

  EXPECT_EQ(in_a_child([&] {
              StandardStreams streams{output, errors};
              streams.open();
              say(STDOUT_FILENO, "");
              streams.use();
              say(STDOUT_FILENO, "out\n");
              say(STDERR_FILENO, "err\n");
            }),
            0);

  EXPECT_EQ(content("output"), "before\nout\n");
  EXPECT_EQ(content("errors"), "err\n");
}

TEST_F(StandardStreamsTest, MayBeOneFileForBoth) {
  EXPECT_EQ(in_a_child([&] {
              StandardStreams streams{output, output};
              streams.open();
              streams.use();
              say(STDOUT_FILENO, "1\n");
              say(STDERR_FILENO, "2\n");
              say(STDOUT_FILENO, "3\n");
            }),
            0);

  EXPECT_EQ(content("output"), "1\n2\n3\n");
}

TEST_F(StandardStreamsTest, GoOnInANewFileWhenTheyAreOpenedAnew) {
  EXPECT_EQ(in_a_child([&] {
              StandardStreams streams{output, ""};
              streams.open();
              streams.use();
              say(STDOUT_FILENO, "old\n");
              std::filesystem::rename(output, directory / "rotated");
              streams.open();
              say(STDOUT_FILENO, "still old\n");
              streams.use();
              say(STDOUT_FILENO, "new\n");
            }),
            0);

  EXPECT_EQ(content("rotated"), "old\nstill old\n");
  EXPECT_EQ(content("output"), "new\n");
}

TEST_F(StandardStreamsTest, StayAsTheyAreWithoutAFile) {
  StandardStreams none{"", ""}, one{"", errors};

  EXPECT_FALSE(none.any());
  EXPECT_TRUE(one.any() && one.errors() && !one.output());
  EXPECT_EQ(in_a_child([&] {
              struct stat before {
              }, after{};
              ::fstat(STDOUT_FILENO, &before);
              one.open();
              one.use();
              ::fstat(STDOUT_FILENO, &after);
              if (before.st_ino != after.st_ino) ::_exit(1);
            }),
            0);
  EXPECT_TRUE(std::filesystem::exists(errors));
}

TEST_F(StandardStreamsTest, AreNotChangedIfOneOfThemCannotBeOpened) {
  EXPECT_EQ(in_a_child([&] {
              StandardStreams streams{output, errors};
              streams.open();
              streams.use();
              std::filesystem::rename(output, directory / "rotated");
              std::filesystem::remove(errors);
              std::filesystem::create_directory(errors);
              try {
                streams.open();
                ::_exit(1);
              } catch (const StartupError& error) {
                const std::string expected =
                    "standard error: the log file " + errors + " cannot be opened: Is a directory";
                if (error.what() != expected) ::_exit(2);
              }
              streams.use();
              say(STDOUT_FILENO, "goes on\n");
            }),
            0);

  EXPECT_EQ(content("rotated"), "goes on\n");
}

TEST_F(StandardStreamsTest, KeepWhoWritesWaitingRatherThanLoseWhatIsSaid) {
  ASSERT_EQ(::mkfifo(output.c_str(), 0600), 0);
  const UniqueFd reader{::open(output.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};

  EXPECT_EQ(in_a_child([&] {
              StandardStreams streams{output, ""};
              streams.open();
              streams.use();
              if ((::fcntl(STDOUT_FILENO, F_GETFL) & O_NONBLOCK) != 0) ::_exit(1);
            }),
            0);
}

TEST_F(StandardStreamsTest, OnlyFilesThatAreCreatedAreGivenToTheirOwner) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  std::ofstream{output} << "ours\n";
  UserIdentity owner;
  owner.user = 12345;
  owner.group = 12346;

  StandardStreams streams{output, errors};
  streams.open(owner);

  struct stat old {
  }, created{};
  ASSERT_EQ(::stat(output.c_str(), &old) + ::stat(errors.c_str(), &created), 0);
  EXPECT_EQ(old.st_uid, 0U);
  EXPECT_EQ(created.st_uid, 12345U);
  EXPECT_EQ(created.st_gid, 12346U);
}

}  // namespace
}  // namespace spawning
