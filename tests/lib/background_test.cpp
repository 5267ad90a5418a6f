// SPDX-License-Identifier: MIT
#include "spawning/background.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <string>
#include <utility>

#include "spawning/log.hpp"
#include "spawning/unique_fd.hpp"

namespace spawning {
namespace {

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

bool is_null(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && status.st_rdev == makedev(1, 3);
}

// A process that goes to the background, and does something there.
class BackgroundTest : public ::testing::Test {
 protected:
  void launch(const std::function<int(Background&)>& service) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    heard_.reset(ends[0]);
    UniqueFd said{ends[1]};
    said_ = said.get();
    foreground = ::fork();
    if (foreground != 0) return;
    ::dup2(said.get(), STDERR_FILENO);
    Background background = Background::enter(Log{STDERR_FILENO, "test"});
    ::_exit(service(background));
  }

  void say(const std::string& text) const {
    [[maybe_unused]] const ssize_t ignored = ::write(said_, text.data(), text.size());
  }

  // The next octets that are said; "" once nobody is left who could say any.
  [[nodiscard]] std::string hear() const {
    pollfd polled{heard_.get(), POLLIN, 0};
    if (::poll(&polled, 1, 20'000) != 1) return "nothing for 20 s";
    std::array<char, 200> octets{};
    const ssize_t count = ::read(heard_.get(), octets.data(), octets.size());
    return {octets.data(), static_cast<std::size_t>(count < 0 ? 0 : count)};
  }

  [[nodiscard]] int status() const {
    int status = -1;
    EXPECT_EQ(::waitpid(foreground, &status, 0), foreground);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }

  pid_t foreground = -1;

 private:
  UniqueFd heard_;
  int said_ = -1;
};

TEST_F(BackgroundTest, GoesOnWhenTheForegroundHasEndedBecauseItServes) {
  launch([this](Background& background) {
    background.serves();
    background.serves();
    if (background) return 1;
    say("serving in session " + std::to_string(::getsid(0)) + " of " + std::to_string(::getpid()));
    return 0;
  });

  EXPECT_EQ(status(), 0);
  const std::string said = hear();
  const std::size_t at = said.find(" of ");
  ASSERT_NE(at, said.npos) << said;
  EXPECT_EQ(said.substr(0, at), "serving in session " + said.substr(at + 4));
  EXPECT_NE(said.substr(at + 4), std::to_string(foreground));
  EXPECT_EQ(hear(), "");
}

TEST_F(BackgroundTest, HasNoInput) {
  launch([this](Background& background) {
    char octet = 0;
    say(::read(STDIN_FILENO, &octet, 1) == 0 ? "no input" : "input");
    background.serves();
    return 0;
  });

  EXPECT_EQ(hear(), "no input");
  EXPECT_EQ(status(), 0);
}

TEST_F(BackgroundTest, PassesItsStatusOnIfItNeverServes) {
  launch([](Background&) { return 7; });

  EXPECT_EQ(status(), 7);
  EXPECT_EQ(hear(), "");
}

TEST_F(BackgroundTest, NeverServingIsNoSuccess) {
  launch([](Background&) { return 0; });

  EXPECT_EQ(status(), 1);
  EXPECT_TRUE(
      hear().ends_with("[error] test: the process in the background ended before it served\n"));
}

TEST_F(BackgroundTest, BeingKilledBeforeItServesIsNoSuccess) {
  launch([](Background&) { return ::raise(SIGKILL); });

  EXPECT_EQ(status(), 1);
  EXPECT_TRUE(
      hear().ends_with("[error] test: the process in the background ended before it served\n"));
}

TEST_F(BackgroundTest, IsToldToEndWhenNobodyWantsToWaitForIt) {
  for (const auto& [sent, received] :
       {std::pair{SIGINT, SIGTERM}, {SIGHUP, SIGTERM}, {SIGTERM, SIGTERM}, {SIGQUIT, SIGQUIT}}) {
    launch([this, expected = received](Background&) {
      sigset_t set;
      ::sigemptyset(&set);
      ::sigaddset(&set, expected);
      ::sigprocmask(SIG_BLOCK, &set, nullptr);
      say("waits");
      int signal = 0;
      ::sigwait(&set, &signal);
      return 40 + signal;
    });
    ASSERT_EQ(hear(), "waits");

    ::kill(foreground, sent);

    EXPECT_EQ(status(), 40 + received);
    EXPECT_EQ(hear(), "");
  }
}

TEST_F(BackgroundTest, DoesNotMindThatTheForegroundWasKilled) {
  std::array<int, 2> go{};
  ASSERT_EQ(::pipe(go.data()), 0);
  launch([this, &go](Background& background) {
    say("waits");
    char octet = 0;
    if (::read(go[0], &octet, 1) != 1) return 1;
    background.serves();
    say("serves");
    return 0;
  });
  ASSERT_EQ(hear(), "waits");

  ::kill(foreground, SIGKILL);
  EXPECT_EQ(status(), 1000 + SIGKILL);
  ASSERT_EQ(::write(go[1], "!", 1), 1);

  EXPECT_EQ(hear(), "serves");
  for (const int end : go) ::close(end);
}

TEST(StandardStreamsOfADaemonTest, AreOpenedIfTheyAreClosedSoThatNothingElseTakesTheirPlace) {
  const pid_t child = ::fork();
  if (child == 0) {
    const int before = ::fcntl(STDERR_FILENO, F_DUPFD, 3);
    for (const int fd : {STDIN_FILENO, STDERR_FILENO}) ::close(fd);
    const bool output_was_null = is_null(STDOUT_FILENO);
    open_standard_streams();
    const bool right = is_null(STDIN_FILENO) && is_null(STDERR_FILENO) &&
                       is_null(STDOUT_FILENO) == output_was_null && is_open(before);
    ::_exit(right ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);

  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace spawning
