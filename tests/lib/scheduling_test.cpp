// SPDX-License-Identifier: MIT
#include "base/scheduling.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <thread>

namespace spawning {
namespace {

int policy() { return ::sched_getscheduler(0) & ~SCHED_RESET_ON_FORK; }

// What the test does to a thread it does to one of its own.
template <typename Test>
void in_a_thread(Test test) {
  std::thread{test}.join();
}

TEST(SchedulingTest, GoesBackAndForth) {
  in_a_thread([] {
    prefer(Scheduling::unhurried);
    EXPECT_EQ(policy(), SCHED_BATCH);

    prefer(Scheduling::prompt);
    EXPECT_EQ(policy(), SCHED_OTHER);

    prefer(Scheduling::unhurried);
    EXPECT_EQ(policy(), SCHED_BATCH);
  });
}

TEST(SchedulingTest, ConcernsTheCallingThreadOnly) {
  in_a_thread([] {
    prefer(Scheduling::unhurried);

    EXPECT_EQ(::sched_getscheduler(::getpid()), SCHED_OTHER);
  });
}

TEST(SchedulingTest, IsNotHandedDown) {
  in_a_thread([] {
    prefer(Scheduling::prompt);
    in_a_thread([] { EXPECT_EQ(::sched_getscheduler(0), SCHED_OTHER); });
  });
}

TEST(SchedulingTest, LeavesTheShareOfTheProcessorAlone) {
  in_a_thread([] {
    ASSERT_EQ(::setpriority(PRIO_PROCESS, 0, 5), 0);  // of this thread: Linux has it so

    prefer(Scheduling::prompt);
    EXPECT_EQ(::getpriority(PRIO_PROCESS, 0), 5);
    prefer(Scheduling::unhurried);
    EXPECT_EQ(::getpriority(PRIO_PROCESS, 0), 5);
  });
}

TEST(SchedulingTest, LeavesWhoIsScheduledOtherwiseAlone) {
  in_a_thread([] {
    const sched_param idle{};
    ASSERT_EQ(::sched_setscheduler(0, SCHED_IDLE, &idle), 0);

    prefer(Scheduling::prompt);

    EXPECT_EQ(policy(), SCHED_IDLE);
  });
}

}  // namespace
}  // namespace spawning
