// SPDX-License-Identifier: MIT
#include "spawning/seat.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "spawning/error.hpp"

namespace spawning {
namespace {

// Descriptors 3, 4 and 5 belong to the test runner, so the parts that touch them run in a child of
// its own.
template <typename Body>
void expect_in_a_child(Body body) {
  EXPECT_EXIT(
      {
        for (int fd = 3; fd < 16; ++fd) ::close(fd);
        ::_exit(body() ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

bool open_descriptors(int first, int last) {
  const int null = ::open("/dev/null", O_RDONLY);
  for (int fd = first; fd <= last; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0 && ::dup2(null, fd) != fd) return false;
  }
  if (null > last) ::close(null);
  return true;
}

bool refuses(const char* value) {
  ::setenv("SPAWNING_SEAT", value, 1);
  try {
    static_cast<void>(Seat::take());
  } catch (const StartupError&) {
    return true;
  }
  return false;
}

TEST(SeatTest, DescribesItselfInOneLine) {
  EXPECT_EQ(Seat::describe(2, 7, 1),
            "slot=2 generation=7 listeners=1 log_level=info log_format=text");
  EXPECT_EQ(Seat::describe(2, 7, 1, {}, true),
            "slot=2 generation=7 listeners=1 log_level=info log_format=text console=1");
}

TEST(SeatTest, IsEmptyInAProcessThatNobodySeated) {
  ::unsetenv("SPAWNING_SEAT");

  EXPECT_FALSE(Seat::take());
}

TEST(SeatTest, TakesIdentityAndDescriptors) {
  expect_in_a_child([] {
    ::setenv("SPAWNING_SEAT", Seat::describe(2, 7, 2, {LogLevel::error, LogStyle::json}).c_str(),
             1);
    if (!open_descriptors(3, 6)) return false;

    const auto seat = Seat::take();

    return seat && seat->slot == 2 && seat->generation == 7 && seat->control.get() == 3 &&
           seat->scoreboard.get() == 4 && seat->listeners.size() == 2 &&
           seat->listeners[1].get() == 6 && seat->log.threshold == LogLevel::error &&
           seat->log.style == LogStyle::json && !seat->console;
  });
}

TEST(SeatTest, LogsAsUsualIfAnOlderSupervisorDoesNotSayHow) {
  expect_in_a_child([] {
    ::setenv("SPAWNING_SEAT", "slot=0 generation=1 listeners=0", 1);
    if (!open_descriptors(3, 4)) return false;

    const auto seat = Seat::take();

    return seat && seat->log.threshold == LogLevel::info && seat->log.style == LogStyle::text;
  });
}

TEST(SeatTest, TakesTheConsoleBehindTheListeners) {
  expect_in_a_child([] {
    ::setenv("SPAWNING_SEAT", Seat::describe(2, 7, 1, {}, true).c_str(), 1);
    if (!open_descriptors(3, 6)) return false;

    const auto seat = Seat::take();

    return seat && seat->listeners.size() == 1 && seat->console.get() == 6 &&
           ::fcntl(6, F_GETFD) == FD_CLOEXEC;
  });
}

TEST(SeatTest, KeepsDescriptorsAndVariableFromItsChildren) {
  expect_in_a_child([] {
    ::setenv("SPAWNING_SEAT", Seat::describe(0, 1, 1).c_str(), 1);
    if (!open_descriptors(3, 5)) return false;

    const auto seat = Seat::take();

    for (int fd = 3; fd <= 5; ++fd) {
      if (::fcntl(fd, F_GETFD) != FD_CLOEXEC) return false;
    }
    return std::getenv("SPAWNING_SEAT") == nullptr && !Seat::take();
  });
}

TEST(SeatTest, RefusesADescriptorThatIsNotOpen) {
  expect_in_a_child(
      [] { return open_descriptors(3, 4) && refuses("slot=0 generation=1 listeners=1"); });
}

TEST(SeatTest, RefusesAMalformedDescription) {
  for (const char* value :
       {"", "slot=1", "slot=1 generation=1", "slot=x generation=1 listeners=1",
        "slot=1 generation=1 listeners=-1", "slot=1 generation=1 listeners=1x",
        "slot=1 generation=1 listeners=99999999999999999999",
        "slot=1 generation=1 listeners=100000", "slot=1  generation=1 listeners=1",
        "slot=1 generation=1 listeners=1 log_level=info",
        "slot=1 generation=1 listeners=1 log_level=loud log_format=text",
        "slot=1 generation=1 listeners=1 log_level=info log_format=xml",
        "slot=1 generation=1 listeners=1 log_level=info log_format=text more=1",
        "slot=1 generation=1 listeners=1 console=1",
        "slot=1 generation=1 listeners=1 log_level=info log_format=text console=2",
        "slot=1 generation=1 listeners=1 log_level=info log_format=text consoles=1",
        "slot=1 generation=1 listeners=1 log_level=info log_format=text console=1 x"}) {
    EXPECT_TRUE(refuses(value)) << value;
  }
}

}  // namespace
}  // namespace spawning
