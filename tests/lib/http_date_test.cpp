// SPDX-License-Identifier: MIT
#include "base/http_date.hpp"

#include <gtest/gtest.h>

#include <ctime>

namespace spawning {
namespace {

using namespace std::chrono_literals;
using std::chrono::system_clock;

system_clock::time_point at(std::time_t seconds) { return system_clock::from_time_t(seconds); }

TEST(HttpDateTest, WritesTheRfcsExample) {
  HttpDate date;

  EXPECT_EQ(date.at(at(784111777)), "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST(HttpDateTest, WritesTheEpochAndLeapDays) {
  HttpDate date;

  EXPECT_EQ(date.at(at(0)), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(date.at(at(951827696)), "Tue, 29 Feb 2000 12:34:56 GMT");
  EXPECT_EQ(date.at(at(4102444799)), "Thu, 31 Dec 2099 23:59:59 GMT");
}

TEST(HttpDateTest, AgreesWithTheCLibraryOnEveryDayOfYears) {
  HttpDate date;
  for (std::time_t day = 1767225600; day < 1767225600 + 5 * 366 * 86400L; day += 86399) {
    std::tm parts;
    char expected[64];
    ASSERT_NE(::gmtime_r(&day, &parts), nullptr);
    ASSERT_GT(std::strftime(expected, sizeof expected, "%a, %d %b %Y %H:%M:%S GMT", &parts), 0u);
    ASSERT_EQ(date.at(at(day)), expected);
  }
}

TEST(HttpDateTest, ChangesWithTheSecondAndNotBefore) {
  HttpDate date;

  EXPECT_EQ(date.at(at(784111777) + 999ms), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(date.at(at(784111777) + 1000ms), "Sun, 06 Nov 1994 08:49:38 GMT");
  EXPECT_EQ(date.at(at(784111777)), "Sun, 06 Nov 1994 08:49:37 GMT");
}

}  // namespace
}  // namespace spawning
