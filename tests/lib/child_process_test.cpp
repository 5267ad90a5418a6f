// SPDX-License-Identifier: MIT
#include "supervise/child_process.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>
#include <vector>

#include "spawning/unique_fd.hpp"
#include "support/run_until.hpp"
#include "support/temporary_directory.hpp"

namespace spawning {
namespace {

using test::run_until;

struct ChildProcessTest : ::testing::Test {
  // How `sh -c script` ends, with the write end of a pipe as descriptor 3; what it writes is in
  // `output`.
  ExitStatus run(const std::string& script, std::vector<std::string> environment = {}) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const UniqueFd reading{ends[0]};
    UniqueFd writing{ends[1]};
    std::optional<ExitStatus> end;
    ChildProcess child{context,
                       {{"/bin/sh", "-c", script}, std::move(environment), {writing.get()}},
                       [&](ExitStatus status) { end = status; }};
    writing.reset();
    EXPECT_TRUE(run_until(context, [&] { return end.has_value(); }));
    std::array<char, 4096> octets{};
    for (ssize_t count = 0; (count = ::read(reading.get(), octets.data(), octets.size())) > 0;) {
      output.append(octets.data(), static_cast<std::size_t>(count));
    }
    return end.value_or(ExitStatus{});
  }

  IoContext context{1};
  std::string output;
};

TEST_F(ChildProcessTest, ReportsHowAChildEnded) {
  EXPECT_TRUE(run("exit 0").success());
  EXPECT_EQ(run("exit 3").to_string(), "exited with status 3");
  EXPECT_EQ(run("kill -9 $$").to_string(), "was killed by SIGKILL");
}

TEST_F(ChildProcessTest, KillsWhatAChildHasLeftBehind) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd reading{ends[0]};
  UniqueFd writing{ends[1]};
  bool ended = false;
  ChildProcess child{
      context, {{"/bin/sh", "-c", "sleep 600 &"}, {}, {writing.get()}}, [&](ExitStatus) {
        ended = true;
        child.kill_group();
      }};
  writing.reset();

  EXPECT_TRUE(run_until(context, [&] { return ended; }));

  char unused = 0;
  EXPECT_EQ(::read(reading.get(), &unused, 1), 0);  // the end: nobody has it any more
}

TEST_F(ChildProcessTest, PassesDescriptorsInOrderFromThree) {
  ASSERT_TRUE(run("echo hello >&3").success());

  EXPECT_EQ(output, "hello\n");
}

TEST_F(ChildProcessTest, GivesNothingToReadOnStdin) { EXPECT_TRUE(run("! read line").success()); }

TEST_F(ChildProcessTest, IsWithoutTheVariablesThatAreNamedAlone) {
  ::setenv("SPAWNING_TEST_A", "a", 1);
  ::setenv("SPAWNING_TEST_AB", "ab", 1);

  run("echo ${SPAWNING_TEST_A-none} $SPAWNING_TEST_AB ${SPAWNING_TEST_C-none} >&3",
      {"SPAWNING_TEST_A", "SPAWNING_TEST_C"});

  EXPECT_EQ(output, "none ab none\n");
}

TEST_F(ChildProcessTest, AddsToTheEnvironmentAndReplacesWhatIsThere) {
  ::setenv("SPAWNING_TEST_OLD", "old", 1);
  ::setenv("SPAWNING_TEST_KEPT", "kept", 1);

  ASSERT_TRUE(run("echo $SPAWNING_TEST_OLD $SPAWNING_TEST_KEPT $SPAWNING_TEST_NEW >&3",
                  {"SPAWNING_TEST_OLD=changed", "SPAWNING_TEST_NEW=new"})
                  .success());

  EXPECT_EQ(output, "changed kept new\n");
}

TEST_F(ChildProcessTest, StartsWhereItIsToldTo) {
  const test::TemporaryDirectory directory;
  std::filesystem::create_directory(directory / "42");
  std::filesystem::create_directory_symlink("42", directory / "current");
  std::optional<ExitStatus> end;

  const ChildProcess child{context,
                           {{"/bin/sh", "-c", "test $(pwd -P) = \"$THERE\""},
                            {"THERE=" + (directory / "42")},
                            {},
                            directory / "current"},
                           [&](ExitStatus status) { end = status; }};

  EXPECT_TRUE(run_until(context, [&] { return end.has_value(); }));
  EXPECT_TRUE(end && end->success());
}

TEST_F(ChildProcessTest, NamesADirectoryThatIsNotThere) {
  try {
    const ChildProcess child{
        context, {{"/bin/sh", "-c", ":"}, {}, {}, "/nonexistent"}, [](ExitStatus) {}};
    FAIL();
  } catch (const std::system_error& error) {
    EXPECT_STREQ(error.what(), "/nonexistent: No such file or directory");
  }
}

TEST_F(ChildProcessTest, ThrowsWhatExecSaysAndLeavesNoZombie) {
  try {
    const ChildProcess child{context, {{"/etc/passwd"}, {}, {}}, [](ExitStatus) {}};
    FAIL();
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code().value(), EACCES);
  }

  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST_F(ChildProcessTest, EndsAChildThatNobodyWantsAnyMore) {
  pid_t pid = 0;
  {
    const ChildProcess child{
        context, {{"/bin/sh", "-c", "exec sleep 1000"}, {}, {}}, [](ExitStatus) { FAIL(); }};
    pid = child.pid();
  }

  EXPECT_EQ(::kill(pid, 0), -1);
  context.run();
}

TEST_F(ChildProcessTest, GoesOnWithAChildThatRunsAndWithOneThatHasEnded) {
  const pid_t running = ::fork();
  if (running == 0) ::pause();
  const pid_t gone = ::fork();
  if (gone == 0) ::_exit(3);
  siginfo_t unused{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(gone), &unused, WEXITED | WNOWAIT), 0);
  std::optional<ExitStatus> end_of_running, end_of_gone;

  ChildProcess first{context, running, [&](ExitStatus status) { end_of_running = status; }};
  const ChildProcess second{context, gone, [&](ExitStatus status) { end_of_gone = status; }};
  ASSERT_TRUE(run_until(context, [&] { return end_of_gone.has_value(); }));
  EXPECT_FALSE(end_of_running);
  first.kill();

  ASSERT_TRUE(run_until(context, [&] { return end_of_running.has_value(); }));
  EXPECT_EQ(end_of_gone->to_string(), "exited with status 3");
  EXPECT_EQ(end_of_running->to_string(), "was killed by SIGKILL");
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
}

TEST_F(ChildProcessTest, DoesNotTakeWhatHappenedToAnotherDescriptorForItsEnd) {
  const pid_t gone = ::fork();
  if (gone == 0) ::_exit(0);
  siginfo_t unused{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(gone), &unused, WEXITED | WNOWAIT), 0);
  std::vector<boost::asio::posix::stream_descriptor> hung_up;
  bool ended = false;
  std::optional<ChildProcess> next;
  const ChildProcess first{context, gone, [&](ExitStatus) {
                             hung_up.clear();  // events for them are queued already
                             next.emplace(context, ChildCommand{{"/bin/sleep", "1000"}, {}, {}},
                                          [&](ExitStatus) { ended = true; });
                           }};
  for (int i = 0; i < 3; ++i) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    hung_up.emplace_back(context, ends[0]);
    ::close(ends[1]);
  }
  for (auto& each : hung_up) each.async_wait(each.wait_read, [](auto) {});

  ASSERT_TRUE(run_until(context, [&] { return next.has_value(); }));
  for (int i = 0; i < 10; ++i) context.poll_one();  // does not block

  EXPECT_FALSE(ended);
  next->kill();
  EXPECT_TRUE(run_until(context, [&] { return ended; }));
}

TEST_F(ChildProcessTest, RefusesAProcessThatIsNoChild) {
  EXPECT_THROW((ChildProcess{context, ::getppid(), [](ExitStatus) {}}), std::system_error);
}

TEST_F(ChildProcessTest, MayBeDestroyedWhenItEnds) {
  std::optional<ChildProcess> child;
  child.emplace(context, ChildCommand{{"/bin/sh", "-c", ":"}, {}, {}},
                [&](ExitStatus) { child.reset(); });

  EXPECT_TRUE(run_until(context, [&] { return !child; }));
}

}  // namespace
}  // namespace spawning
