// SPDX-License-Identifier: MIT
#include "nearest.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace spawning::cli {
namespace {

std::string meant(const std::string& typed) {
  const std::vector<std::string> names{"port", "processes", "host", "status-port", "status-host"};
  return nearest(typed, names);
}

TEST(NearestTest, FindsWhatWasMistyped) {
  EXPECT_EQ(meant("prot"), "port");   // exchanged
  EXPECT_EQ(meant("porrt"), "port");  // too many
  EXPECT_EQ(meant("prt"), "port");    // too few
  EXPECT_EQ(meant("qort"), "port");   // another one
  EXPECT_EQ(meant("proceses"), "processes");
  EXPECT_EQ(meant("statusport"), "status-port");
}

TEST(NearestTest, CompletesWhatCanBeOneOnly) {
  EXPECT_EQ(meant("proc"), "processes");
  EXPECT_EQ(meant("status-p"), "status-port");
}

TEST(NearestTest, GuessesNothingElse) {
  for (const std::string typed : {"", "x", "status", "hostname", "chroot", "threads"})
    EXPECT_EQ(meant(typed), "") << typed;
  EXPECT_EQ(meant(std::string(100'000, 'p')), "");
}

}  // namespace
}  // namespace spawning::cli
