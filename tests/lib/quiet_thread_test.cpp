// SPDX-License-Identifier: MIT
#include "base/quiet_thread.hpp"

#include <gtest/gtest.h>

#include <array>
#include <future>
#include <string>

namespace spawning {
namespace {

bool blocked(int signal) {
  sigset_t now;
  EXPECT_EQ(pthread_sigmask(SIG_BLOCK, nullptr, &now), 0);
  return sigismember(&now, signal) == 1;
}

TEST(QuietThreadTest, HasItsNameAndTakesNoSignals) {
  std::array<char, 16> name{};
  bool terminated = false, interrupted = false;
  std::promise<void> seen;
  std::thread thread = start_quiet_thread("quiet", [&] {
    terminated = blocked(SIGTERM);
    interrupted = blocked(SIGINT);
    seen.get_future().wait();
  });
  EXPECT_EQ(pthread_getname_np(thread.native_handle(), name.data(), name.size()), 0);
  seen.set_value();
  thread.join();

  EXPECT_EQ(std::string{name.data()}, "quiet");
  EXPECT_TRUE(terminated);
  EXPECT_TRUE(interrupted);
}

TEST(QuietThreadTest, LeavesTheSignalsOfWhoStartsItAsTheyWere) {
  start_quiet_thread("quiet", [] {}).join();

  EXPECT_FALSE(blocked(SIGTERM));
}

}  // namespace
}  // namespace spawning
