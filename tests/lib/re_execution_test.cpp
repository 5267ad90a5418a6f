// SPDX-License-Identifier: MIT
#include "supervise/re_execution.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>

#include "spawning/error.hpp"
#include "spawning/inheritance.hpp"
#include "support/run_until.hpp"
#include "support/temporary_directory.hpp"

namespace spawning {
namespace {

using namespace std::chrono_literals;
using test::run_until, test::TemporaryDirectory;

struct ReExecutionTest : ::testing::Test {
  // A program in the directory.
  std::string script(const std::string& name, const std::string& text) const {
    const std::string path = directory / name;
    std::ofstream{path} << text;
    EXPECT_EQ(::chmod(path.c_str(), 0755), 0);
    return path;
  }

  // How a trial of `sh -c text` ends, after "-z JSON".
  std::string judgement(const std::string& text, std::chrono::milliseconds patience = 20s) {
    std::optional<std::string> judged;
    const Program program{{script("program", "#!/bin/sh\n" + text), "an argument"}, ""};
    const Trial trial{context,
                      program,
                      {"the remains", {}, STDERR_FILENO},
                      patience,
                      [&](const std::string& objection) { judged = objection; }};
    EXPECT_TRUE(run_until(context, [&] { return judged.has_value(); }));
    return judged.value_or("nothing");
  }

  IoContext context{1};
  TemporaryDirectory directory;
};

TEST_F(ReExecutionTest, AProgramPassesThatFindsTheRemainsAndSaysSo) {
  EXPECT_EQ(judgement(R"sh(
    test "$1" = -z && test "$2" = '{"trial":3,"scoreboard":4}' || exit 1
    test "$3" = 'an argument' || exit 2
    test "$(cat /proc/self/fd/3)" = 'the remains' && test -e /dev/fd/4 && exit 42)sh"),
            "");
}

TEST_F(ReExecutionTest, AProgramFailsThatEndsOtherwise) {
  EXPECT_EQ(judgement("exit 0"), "exited with status 0");
  EXPECT_EQ(judgement("exit 3"), "exited with status 3");
  EXPECT_EQ(judgement("kill -9 $$"), "was killed by SIGKILL");
  EXPECT_EQ(judgement("exec sleep 1000", 50ms),
            "did not end within 50 ms (--boot-timeout) of its trial");
}

TEST_F(ReExecutionTest, ATrialOfWhatCannotBeExecutedSaysWhy) {
  const auto objection = [this](const std::string& name) -> std::string {
    try {
      const Trial trial{
          context, {{name}, directory / ""}, {"", {}, STDERR_FILENO}, 20s, [](const auto&) {
            FAIL();
          }};
    } catch (const std::system_error& error) {
      return error.what();
    }
    return "";
  };
  std::ofstream{directory / "no_program"} << "\x7F"
                                             "ELF";

  EXPECT_EQ(objection("./missing"), "./missing: No such file or directory");
  EXPECT_EQ(objection("./no_program"), "./no_program: Permission denied");
  EXPECT_EQ(::chmod((directory / "no_program").c_str(), 0755), 0);
  EXPECT_EQ(objection("./no_program"), "./no_program: Exec format error");
  EXPECT_EQ(objection("spawning-no-such-program"),
            "spawning-no-such-program in $PATH: No such file or directory");
}

TEST_F(ReExecutionTest, ATrialEndsWithItsOwner) {
  const std::string path = script("program", "#!/bin/sh\nexec sleep 1000");
  {
    const Trial trial{
        context, {{path}, ""}, {"", {}, STDERR_FILENO}, 20s, [](const auto&) { FAIL(); }};
  }

  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
  context.run();
}

TEST_F(ReExecutionTest, ExecutesAProgramInTheSameProcessThere) {
  script("program", R"sh(#!/bin/sh
    test "$1" = -z && test "$3" = 'an argument' || exit 1
    fd=${2#*:} fd=${fd%\}}
    test "$2" = "{\"state\":$fd}" && test "$(cat /proc/self/fd/$fd)" = 'the remains' || exit 2
    echo $$ >&$KEPT || exit 3
    test -e /proc/self/fd/$CLOSED && exit 4
    test -e ./program || exit 5
    exit 0)sh");
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd reading{ends[0]}, writing{ends[1]};
  ::setenv("KEPT", std::to_string(writing.get()).c_str(), 1);
  ::setenv("CLOSED", std::to_string(reading.get()).c_str(), 1);

  const pid_t child = ::fork();
  if (child == 0) {
    [[maybe_unused]] const auto failure =
        execute({{"./program", "an argument"}, directory / ""}, {"the remains", {writing.get()}});
    ::_exit(99);
  }

  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  std::array<char, 32> octets{};
  ASSERT_GT(::read(reading.get(), octets.data(), octets.size()), 0);
  EXPECT_EQ(std::stoi(octets.data()), child);
}

TEST_F(ReExecutionTest, ChangesNothingIfTheProgramCannotBeExecuted) {
  const std::string here = std::filesystem::current_path();
  const UniqueFd kept{::open("/dev/null", O_RDONLY | O_CLOEXEC)};

  const std::error_code error = execute({{"./missing"}, directory / ""}, {"", {kept.get()}});

  EXPECT_EQ(error.value(), ENOENT);
  EXPECT_EQ(::fcntl(kept.get(), F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(std::filesystem::current_path(), here);
}

TEST_F(ReExecutionTest, SealedMemoryIsReadWholeAndNeverChanges) {
  const std::string large(3'000'000, 'x');
  const UniqueFd memory = sealed_memory(large);

  EXPECT_EQ(read_sealed_memory(memory.get()), large);
  EXPECT_EQ(::write(memory.get(), "y", 1), -1);
  EXPECT_EQ(::ftruncate(memory.get(), 0), -1);
}

// What an Inheritance that somebody made up is refused with.
std::string refusal(const std::string& restart_args) {
  try {
    const Inheritance inheritance{restart_args};
  } catch (const StartupError& error) {
    return error.what();
  }
  return "";
}

TEST_F(ReExecutionTest, AnInheritanceThatNobodyLeftIsRefused) {
  const std::string expected = "expected what a supervisor says that executes itself anew";
  for (const char* text :
       {"", "{", "[]", "{}", R"({"state":"3"})", R"({"state":-1})", R"({"trial":3})"})
    EXPECT_EQ(refusal(text), expected) << text;
  EXPECT_EQ(refusal(R"({"state":0})"), "descriptor 0 is not from a supervisor");
  EXPECT_EQ(refusal(R"({"trial":12345,"scoreboard":4})"),
            "descriptor 12345 is not from a supervisor");

  SupervisorRemains remains;
  remains.pid = 1;
  const UniqueFd memory = sealed_memory(write_remains(remains).text);
  EXPECT_EQ(refusal("{\"state\":" + std::to_string(memory.get()) + "}"),
            "process 1 left that to itself");
  EXPECT_GE(::fcntl(memory.get(), F_GETFD), 0);
}

TEST_F(ReExecutionTest, AnInheritanceWithAScoreboardOfAnotherVersionFailsItsTrial) {
  SupervisorRemains remains;
  remains.pid = ::getppid();
  UniqueFd memory = sealed_memory(write_remains(remains).text);
  UniqueFd none{::memfd_create("none", MFD_CLOEXEC)};
  ASSERT_EQ(::ftruncate(none.get(), 4096), 0);

  EXPECT_NE(refusal("{\"trial\":" + std::to_string(memory.release()) +
                    ",\"scoreboard\":" + std::to_string(none.release()) + "}"),
            "");
}

TEST_F(ReExecutionTest, AnInheritanceWhoseDescriptorsAreNotOpenIsRefused) {
  SupervisorRemains remains;
  remains.pid = ::getpid();
  remains.scoreboard = 12345;
  UniqueFd memory = sealed_memory(write_remains(remains).text);

  EXPECT_EQ(refusal("{\"state\":" + std::to_string(memory.release()) + "}"),
            "descriptor 12345 did not stay open");
}

TEST_F(ReExecutionTest, AnInheritanceHasTheListenersCloseOnExec) {
  SupervisorRemains remains;
  remains.pid = ::getpid();
  ListeningSocket listener = bind_listener(BindAddress::parse("unix:" + directory / "app.sock"));
  const int fd = listener.fd.release();
  ASSERT_EQ(::fcntl(fd, F_SETFD, 0), 0);
  remains.listeners.push_back({fd, false, listener.file->identity()});
  UniqueFd memory = sealed_memory(write_remains(remains).text);

  Inheritance inheritance{"{\"state\":" + std::to_string(memory.release()) + "}"};
  auto listeners = inheritance.take_listeners();

  EXPECT_FALSE(inheritance.on_trial());
  ASSERT_EQ(listeners.size(), 1U);
  EXPECT_EQ(listeners[0].fd.get(), fd);
  EXPECT_EQ(::fcntl(fd, F_GETFD), FD_CLOEXEC);
  listeners.clear();
  EXPECT_FALSE(std::filesystem::exists(directory / "app.sock"));
}

}  // namespace
}  // namespace spawning
