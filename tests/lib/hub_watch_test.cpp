// SPDX-License-Identifier: MIT
#include "worker/hub_watch.hpp"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "support/function_handler.hpp"
#include "support/recording_exchange.hpp"

namespace spawning {
namespace {

using std::chrono::milliseconds, std::chrono::minutes, std::chrono::seconds,
    std::chrono::steady_clock;

struct HubWatchTest : ::testing::Test {
  Log log{STDERR_FILENO, "test"};
  ConnectionInfo connection;
  Body body;
  std::function<void()> act;
  test::FunctionHandler inner{[this](Request, Responder) { act(); }};
  GreenPool pool{inner, log, 10};
  std::atomic<std::uint64_t> stalls{0};
  std::vector<HubWatch::Duration> reported;
  HubWatch watch{pool, seconds{1}, log, stalls};

  void SetUp() override {
    watch.on_stall([this](HubWatch::Duration silence) { reported.push_back(silence); });
  }

  void queue() {
    pool.handle({.method = "GET",
                 .path = "/",
                 .body = &body,
                 .connection = &connection,
                 .client = &connection.peer},
                Responder{std::make_shared<test::RecordingExchange>()});
  }

  /// While a request runs.
  void run(std::function<void()> meanwhile) {
    act = std::move(meanwhile);
    queue();
    static_cast<void>(pool.take());
    pool.run();
  }
};

TEST_F(HubWatchTest, AsksWhileCallsWaitThoughNoneRuns) {
  queue();
  act = [] {};
  static_cast<void>(pool.take());  // for a greenlet that somebody ends before it begins

  watch.look(steady_clock::now());

  EXPECT_EQ(pool.take(), 1U);
  pool.run();
}

TEST_F(HubWatchTest, ReportsAHubThatGivesNoSignOfLifeOnce) {
  run([this] {
    const auto now = steady_clock::now();
    watch.look(now);
    watch.look(now + milliseconds{900});
    EXPECT_EQ(stalls, 0U);

    watch.look(now + seconds{2});
    watch.look(now + seconds{3});
  });

  EXPECT_EQ(stalls, 1U);
  ASSERT_EQ(reported.size(), 1U);
  EXPECT_GE(reported.front(), seconds{1});
}

TEST_F(HubWatchTest, ReportsTheNextStallToo) {
  run([this] {
    const auto now = steady_clock::now();
    watch.look(now);
    watch.look(now + seconds{2});
    static_cast<void>(pool.take());
    watch.look(now + seconds{3});
    watch.look(now + seconds{5});
  });

  EXPECT_EQ(stalls, 2U);
}

TEST_F(HubWatchTest, WantsToLookAgainUntilAStalledHubGetsOn) {
  run([this] {
    const auto now = steady_clock::now();
    EXPECT_FALSE(watch.look(now));
    EXPECT_TRUE(watch.look(now + minutes{1}));
    EXPECT_TRUE(watch.look(now + minutes{2}));
    static_cast<void>(pool.take());
    EXPECT_FALSE(watch.look(now + minutes{3}));
  });
}

TEST_F(HubWatchTest, AsksAHubThatHasMissedARequest) {
  queue();
  eventfd_t lost = 0;
  ASSERT_EQ(::eventfd_read(pool.fileno(), &lost), 0);

  watch.look(steady_clock::now() + milliseconds{100});

  EXPECT_EQ(::eventfd_read(pool.fileno(), &lost), 0);
  EXPECT_EQ(stalls, 0U);
}

TEST_F(HubWatchTest, LeavesAHubAloneThatComes) {
  run([this] {
    for (int second = 0; second < 10; ++second) {
      watch.look(steady_clock::now() + seconds{second});
      static_cast<void>(pool.take());
    }
  });

  EXPECT_EQ(stalls, 0U);
}

TEST_F(HubWatchTest, AsksNobodyWhileNoRequestRuns) {
  watch.look(steady_clock::now());

  watch.look(steady_clock::now() + seconds{10});

  EXPECT_EQ(stalls, 0U);
}

}  // namespace
}  // namespace spawning
