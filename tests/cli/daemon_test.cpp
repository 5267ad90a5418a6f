// SPDX-License-Identifier: MIT
#include "daemon.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <utility>

#include "spawning/error.hpp"
#include "support/temporary_directory.hpp"

namespace spawning::cli {
namespace {

using namespace std::string_literals;
using test::TemporaryDirectory;

Options options_of(std::vector<std::string> arguments) {
  arguments.emplace_back("shop.app");
  return parse_options(arguments);
}

std::string refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const StartupError& error) {
    return error.what();
  }
  return "";
}

struct DaemonDirectoryTest : ::testing::Test {
  ~DaemonDirectoryTest() override { std::filesystem::current_path(before); }

  std::filesystem::path before = std::filesystem::current_path();
  TemporaryDirectory directory;
};

TEST_F(DaemonDirectoryTest, IsNamedAsItsUserNamesIt) {
  std::filesystem::create_directory(directory / "41");
  std::filesystem::create_directory_symlink("41", directory / "current");
  std::filesystem::current_path(directory.path());

  EXPECT_EQ(enter_directory(options_of({}), directory.path()), directory.path());
  EXPECT_EQ(enter_directory(options_of({"--chdir=current"}), directory.path()),
            directory / "current");
  EXPECT_EQ(std::filesystem::current_path(), directory / "41");
  EXPECT_EQ(enter_directory(options_of({"--chdir", directory / "current"}), "/"),
            directory / "current");
}

TEST_F(DaemonDirectoryTest, MustBeThere) {
  EXPECT_EQ(refusal([] { static_cast<void>(enter_directory(options_of({"--chdir=/nope"}), "/")); }),
            "--chdir: /nope: No such file or directory");
  EXPECT_EQ(std::filesystem::current_path(), before);
}

TEST(DaemonTest, WritesToNobodyUnlessFilesAreNamed) {
  const auto streams_of = [](const std::vector<std::string>& arguments) {
    SupervisorConfig config;
    direct_streams(options_of(arguments), config);
    return std::pair{config.output_file, config.error_file};
  };

  EXPECT_EQ(streams_of({}), (std::pair{""s, ""s}));
  EXPECT_EQ(streams_of({"--stdout=out"}), (std::pair{"out"s, ""s}));
  EXPECT_EQ(streams_of({"-d"}), (std::pair{"/dev/null"s, "/dev/null"s}));
  EXPECT_EQ(streams_of({"-d", "--stderr=err"}), (std::pair{"/dev/null"s, "err"s}));
}

TEST(DaemonTest, HasAPidfileAndAUserOnlyIfTheyAreNamed) {
  const TemporaryDirectory directory;
  const Options none = options_of({}), both = options_of({"--pidfile", directory / "pid", "-u0:0"});

  EXPECT_FALSE(acquire_pidfile(none));
  EXPECT_FALSE(identity_of(none));
  EXPECT_EQ(acquire_pidfile(both).value().path(), directory / "pid");
  if (::geteuid() != 0) return;  // who may not become root
  EXPECT_EQ(identity_of(both).value().name, "root");
}

TEST(DaemonTest, NamesTheOptionOfWhatIsWrong) {
  EXPECT_EQ(refusal([] { static_cast<void>(identity_of(options_of({"-uno-such-user"}))); }),
            "--chuid: there is no user \"no-such-user\"");
  EXPECT_EQ(
      refusal([] { static_cast<void>(acquire_pidfile(options_of({"--pidfile=/nope/pid"}))); }),
      "--pidfile: /nope/pid cannot be created: No such file or directory");
}

}  // namespace
}  // namespace spawning::cli
