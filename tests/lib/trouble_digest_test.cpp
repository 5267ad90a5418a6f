// SPDX-License-Identifier: MIT
#include "supervise/trouble_digest.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

namespace spawning {
namespace {

using namespace std::chrono_literals;
using Verdict = TroubleDigest::Verdict;

struct TroubleDigestTest : ::testing::Test {
  Verdict report(Trouble trouble = Trouble::death, std::size_t traceback = 0) {
    return digest.report(trouble, "worker 3 (pid 4711) died", traceback, now);
  }

  // Until the next report would be condensed.
  void use_up() {
    for (int i = 0; i < 30; ++i) EXPECT_EQ(report(), Verdict::whole);
  }

  TroubleDigest digest;
  TroubleDigest::Time now{1000s};
};

TEST_F(TroubleDigestTest, LetsABurstThrough) {
  use_up();

  EXPECT_EQ(digest.next_deadline(), std::nullopt);
  EXPECT_EQ(digest.summary(now), "");
  EXPECT_EQ(report(), Verdict::later);
}

TEST_F(TroubleDigestTest, CondensesWhatFollowsIntoOneLine) {
  use_up();
  static_cast<void>(report());
  now += 4s;
  static_cast<void>(report(Trouble::load_failure));
  static_cast<void>(report(Trouble::load_failure));
  static_cast<void>(digest.report(Trouble::death, "worker 8 was killed by SIGSEGV", 0, now));

  EXPECT_EQ(digest.next_deadline(), now + 6s);
  now += 6s;
  EXPECT_EQ(digest.summary(now),
            "in the last 10 s also 2 workers could not load the application, 2 workers died; "
            "the last: worker 8 was killed by SIGSEGV");
  EXPECT_EQ(digest.next_deadline(), std::nullopt);
  EXPECT_EQ(digest.summary(now), "");
}

TEST_F(TroubleDigestTest, NamesEveryKind) {
  use_up();
  static_cast<void>(report(Trouble::boot_timeout));
  static_cast<void>(report(Trouble::death_before_ready));
  static_cast<void>(report(Trouble::leaving));

  EXPECT_EQ(digest.summary(now),
            "in the last 1 s also 1 worker took too long to get ready, 1 worker ended before "
            "being ready, 1 worker left unasked; the last: worker 3 (pid 4711) died");
}

TEST_F(TroubleDigestTest, WritesSingleReportsAgainAfterASummary) {
  use_up();
  static_cast<void>(report());
  now += 10s;
  static_cast<void>(digest.summary(now));

  EXPECT_EQ(report(), Verdict::whole);
  EXPECT_EQ(report(), Verdict::whole);
  EXPECT_EQ(report(), Verdict::later);
}

TEST_F(TroubleDigestTest, LetsNothingOvertakeWhatWaits) {
  use_up();
  static_cast<void>(report());
  now += 9s;

  EXPECT_EQ(report(), Verdict::later);
}

TEST_F(TroubleDigestTest, LetsTheNextBurstThroughAfterAWhile) {
  use_up();
  now += 90s;

  use_up();

  EXPECT_EQ(report(), Verdict::later);
}

TEST_F(TroubleDigestTest, LeavesTracebacksOutThatAreTooLong) {
  EXPECT_EQ(report(Trouble::load_failure, 20), Verdict::whole);
  EXPECT_EQ(report(Trouble::load_failure, 9), Verdict::line);
  EXPECT_EQ(report(Trouble::load_failure, 7), Verdict::whole);
  EXPECT_EQ(report(Trouble::load_failure, 7), Verdict::later);
}

TEST_F(TroubleDigestTest, WritesALongTracebackWholeAfterQuiet) {
  EXPECT_EQ(report(Trouble::load_failure, 200), Verdict::whole);
  now += 60s;
  EXPECT_EQ(report(Trouble::load_failure, 200), Verdict::later);
}

// Deaths at any rate, each with a traceback or without: the lines of every minute are counted.
TEST_F(TroubleDigestTest, WritesAtMostFiftyLinesAMinute) {
  for (const auto pause : {10ms, 50ms, 400ms, 1100ms, 2900ms, 7000ms}) {
    for (const std::size_t traceback : {0U, 5U, 29U}) {
      digest = {};
      std::deque<TroubleDigest::Time> written;
      std::size_t most = 0;
      for (const auto end = now + 3min; now < end; now += pause) {
        std::size_t lines = 0;
        if (digest.next_deadline().value_or(now + 1s) <= now) lines += !digest.summary(now).empty();
        const Verdict verdict = report(Trouble::load_failure, traceback);
        if (verdict != Verdict::later) lines += 1 + (verdict == Verdict::whole ? traceback : 0);
        written.insert(written.end(), lines, now);
        while (!written.empty() && written.front() <= now - 1min) written.pop_front();
        most = std::max(most, written.size());
      }
      EXPECT_LE(most, 50U) << pause.count() << " ms, traceback of " << traceback;
      EXPECT_GE(most, 6U) << pause.count() << " ms, traceback of " << traceback;
    }
  }
}

}  // namespace
}  // namespace spawning
