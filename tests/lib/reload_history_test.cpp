// SPDX-License-Identifier: MIT
#include "spawning/reload_history.hpp"

#include <gtest/gtest.h>

namespace spawning {
namespace {

using namespace std::chrono_literals;

struct ReloadHistoryTest : ::testing::Test {
  ReloadHistory history;
  ReloadHistory::WallTime now{1'700'000'000s};
};

TEST_F(ReloadHistoryTest, KnowsNothingAtFirst) {
  EXPECT_EQ(history.last(), nullptr);
  EXPECT_TRUE(history.all().empty());
}

TEST_F(ReloadHistoryTest, KeepsTheCauseOfWhatIsUnderWay) {
  history.begin(2, "SIGHUP", now);

  ASSERT_NE(history.last(), nullptr);
  EXPECT_EQ(history.last()->generation, 2U);
  EXPECT_EQ(history.last()->cause, "SIGHUP");
  EXPECT_EQ(history.last()->began, now);
  EXPECT_EQ(history.last()->ended, std::nullopt);
  EXPECT_STREQ(to_string(history.last()->verdict), "loading");
}

TEST_F(ReloadHistoryTest, KeepsWhenAGenerationTookOver) {
  history.begin(2, "SIGHUP", now);
  history.serving(2, now + 3s);

  EXPECT_STREQ(to_string(history.last()->verdict), "serving");
  EXPECT_EQ(history.last()->ended, now + 3s);
}

TEST_F(ReloadHistoryTest, KeepsWhyAGenerationFailedUntilManyOthersHaveCome) {
  history.begin(2, "SIGHUP", now);
  history.failed(2, "NameError: x", "Traceback\n", now + 1s);

  EXPECT_STREQ(to_string(history.last()->verdict), "failed");
  EXPECT_EQ(history.last()->summary, "NameError: x");
  EXPECT_EQ(history.last()->traceback, "Traceback\n");
  EXPECT_EQ(history.last()->ended, now + 1s);

  for (std::uint64_t generation = 3; generation < 10; ++generation)
    history.begin(generation, "SIGHUP", now);
  EXPECT_EQ(history.all().size(), ReloadHistory::kMost);
  EXPECT_EQ(history.all().front().summary, "NameError: x");
  history.begin(10, "SIGHUP", now);
  EXPECT_EQ(history.all().size(), ReloadHistory::kMost);
  EXPECT_EQ(history.all().front().generation, 3U);
}

TEST_F(ReloadHistoryTest, LetsAReloadSupersedeTheOneUnderWay) {
  history.begin(2, "SIGHUP", now);
  history.begin(3, "app.py changed", now + 1s);

  EXPECT_STREQ(to_string(history.all().front().verdict), "superseded");
  EXPECT_EQ(history.all().front().ended, now + 1s);
  EXPECT_STREQ(to_string(history.last()->verdict), "loading");
}

TEST_F(ReloadHistoryTest, LetsTheOneUnderWayGoOnWhenAnotherIsRefused) {
  history.begin(2, "SIGHUP", now);
  history.refused({3, "SIGHUP", now, now + 1s, {}, "no", "Traceback"});
  history.serving(2, now + 2s);

  EXPECT_STREQ(to_string(history.all().front().verdict), "serving");
  EXPECT_STREQ(to_string(history.last()->verdict), "failed");
  EXPECT_EQ(history.last()->summary, "no");
  EXPECT_EQ(history.last()->ended, now + 1s);
  EXPECT_EQ(history.count(ReloadVerdict::failed), 1U);
  EXPECT_EQ(history.count(ReloadVerdict::superseded), 0U);
}

TEST_F(ReloadHistoryTest, KeepsTheFirstVerdict) {
  history.begin(2, "SIGHUP", now);
  history.serving(2, now + 1s);
  history.failed(2, "late", "", now + 2s);
  history.stop(now + 3s);

  EXPECT_STREQ(to_string(history.last()->verdict), "serving");
  EXPECT_EQ(history.last()->ended, now + 1s);
}

TEST_F(ReloadHistoryTest, IgnoresVerdictsOnOthers) {
  history.serving(1, now);
  history.begin(3, "SIGHUP", now);
  history.serving(2, now);
  history.failed(2, "late", "", now);

  EXPECT_STREQ(to_string(history.last()->verdict), "loading");
}

TEST_F(ReloadHistoryTest, SaysThatAStopCameBetween) {
  history.begin(1, "start", now);
  history.stop(now + 1s);

  EXPECT_STREQ(to_string(history.last()->verdict), "stopped");
}

TEST_F(ReloadHistoryTest, CountsReloadsByWhatBecameOfThem) {
  history.begin(1, "start", {});
  history.serving(1, {});
  for (std::uint64_t generation = 2; generation < 30; ++generation) {
    history.begin(generation, "SIGHUP", {});
    if (generation % 2 == 0) history.failed(generation, "", "", {});
  }

  EXPECT_EQ(history.count(ReloadVerdict::serving), 0U);  // the first one is no reload
  EXPECT_EQ(history.count(ReloadVerdict::failed), 14U);
  EXPECT_EQ(history.count(ReloadVerdict::superseded), 13U);  // the last one still loads
}

}  // namespace
}  // namespace spawning
