// SPDX-License-Identifier: MIT
#include "base/stop_requests.hpp"

#include <gtest/gtest.h>

namespace spawning {
namespace {

using namespace std::chrono_literals;
using Kind = StopRequests::Kind;

TEST(StopRequestsTest, TakeWhatComesWithinHalfASecondForTheFirst) {
  StopRequests requests;
  const StopRequests::Time now{1000s};

  EXPECT_EQ(requests.note(now), Kind::first);
  EXPECT_EQ(requests.note(now), Kind::same);
  EXPECT_EQ(requests.note(now + 499ms), Kind::same);
  EXPECT_EQ(requests.note(now + 500ms), Kind::again);
  EXPECT_EQ(requests.note(now + 501ms), Kind::again);
}

TEST(StopRequestsTest, CountFromWhenTheFirstHasBeenActedOn) {
  StopRequests requests;
  const StopRequests::Time now{1000s};
  static_cast<void>(requests.note(now));

  requests.acted(now + 2s);

  EXPECT_EQ(requests.note(now + 2s), Kind::same);
  EXPECT_EQ(requests.note(now + 2500ms), Kind::again);
}

}  // namespace
}  // namespace spawning
