// SPDX-License-Identifier: MIT
#include "spawning/green_pool.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/function_handler.hpp"
#include "support/recording_exchange.hpp"

namespace spawning {
namespace {

struct GreenPoolTest : ::testing::Test {
  ConnectionInfo connection;
  Body body;
  Log log{STDERR_FILENO, "test"};
  std::vector<std::string> seen;
  std::function<void(const Request&)> act = [](const Request&) {};
  test::FunctionHandler inner{[this](Request request, Responder) {
    seen.emplace_back(request.path);
    act(request);
  }};

  void queue(GreenPool& pool, std::string_view path) {
    pool.handle({.method = "GET",
                 .path = path,
                 .body = &body,
                 .connection = &connection,
                 .client = &connection.peer},
                Responder{std::make_shared<test::RecordingExchange>()});
  }

  [[nodiscard]] static bool readable(const GreenPool& pool) {
    pollfd watched{pool.fileno(), POLLIN, 0};
    return ::poll(&watched, 1, 0) == 1;
  }
};

TEST_F(GreenPoolTest, AlertsTheHubOfACall) {
  GreenPool pool{inner, log, 10};
  EXPECT_FALSE(readable(pool));

  queue(pool, "/");

  EXPECT_TRUE(readable(pool));
  EXPECT_EQ(pool.take(), 1U);
  EXPECT_FALSE(readable(pool));
  EXPECT_TRUE(pool.busy());
  pool.run();
  EXPECT_EQ(seen, std::vector<std::string>{"/"});
  EXPECT_FALSE(pool.busy());
  EXPECT_EQ(pool.completed(), 1U);
}

TEST_F(GreenPoolTest, RunsShortCallsInOneGreenletInTheOrderOfArrival) {
  GreenPool pool{inner, log, 10};
  std::vector<std::string> sent;
  for (int i = 0; i < 200; ++i) sent.push_back("/" + std::to_string(i));
  for (const auto& path : sent) queue(pool, path);

  EXPECT_EQ(pool.take(), 1U);
  act = [&](const Request&) { EXPECT_EQ(pool.running(), 1U); };
  while (pool.busy()) pool.run();

  EXPECT_EQ(seen, sent);
}

TEST_F(GreenPoolTest, AsksForAGreenletEachWhereCallsLetOthersRun) {
  GreenPool pool{inner, log, 10};
  for (const char* path : {"/first", "/second", "/third"}) queue(pool, path);
  ASSERT_EQ(pool.take(), 1U);
  EXPECT_TRUE(readable(pool));
  std::size_t more = 0;
  act = [&](const Request& request) {  // as if it had switched to the hub
    if (request.path != "/first") return;
    more = pool.take();
    for (std::size_t i = 0; i < more; ++i) pool.run();
  };

  pool.run();

  EXPECT_EQ(more, 2U);
  EXPECT_EQ(seen, (std::vector<std::string>{"/first", "/second", "/third"}));
  EXPECT_FALSE(pool.busy());
}

TEST_F(GreenPoolTest, DoesNotWaitForAGreenletThatWasEndedBeforeItBegan) {
  GreenPool pool{inner, log, 10};
  queue(pool, "/");
  EXPECT_EQ(pool.take(), 1U);  // and nobody calls run()

  pool.ask_for_a_sign();

  EXPECT_TRUE(readable(pool));
  EXPECT_EQ(pool.take(), 1U);
  pool.run();
  EXPECT_EQ(seen, std::vector<std::string>{"/"});
  EXPECT_FALSE(pool.busy());
}

TEST_F(GreenPoolTest, RunsNoMoreCallsThanItMay) {
  GreenPool pool{inner, log, 1};
  queue(pool, "/first");
  queue(pool, "/second");
  ASSERT_EQ(pool.take(), 1U);
  act = [&](const Request& request) {
    if (request.path != "/first") return;
    EXPECT_EQ(pool.take(), 0U);
    EXPECT_TRUE(pool.saturated());
    EXPECT_EQ(pool.queued(), 1U);
  };

  pool.run();

  EXPECT_EQ(seen.size(), 1U);
  EXPECT_TRUE(readable(pool));
  EXPECT_EQ(pool.take(), 1U);
  pool.run();
  EXPECT_EQ(seen.size(), 2U);
  EXPECT_FALSE(pool.saturated());
}

TEST_F(GreenPoolTest, SaysWhenACallHasToWaitAndWhenNoneDoes) {
  GreenPool pool{inner, log, 1};
  int waits = 0, idle = 0;
  pool.on_wait([&] { ++waits; });
  pool.on_idle([&] { ++idle; });
  queue(pool, "/first");
  EXPECT_EQ(waits, 0);

  queue(pool, "/second");
  EXPECT_EQ(waits, 1);
  EXPECT_EQ(idle, 0);

  for (; pool.busy(); pool.run()) static_cast<void>(pool.take());
  EXPECT_GT(idle, 0);
}

TEST_F(GreenPoolTest, CallsThatHaveBeenTakenBackAreMissedByNobody) {
  GreenPool pool{inner, log, 10};
  queue(pool, "/");
  ASSERT_EQ(pool.take(), 1U);

  for (Responder& each : pool.take_back(10, [](const Request&, const Responder&) { return true; }))
    each.respond({.status = 503}, "");
  pool.run();

  EXPECT_TRUE(seen.empty());
  EXPECT_FALSE(pool.busy());
  queue(pool, "/later");
  EXPECT_EQ(pool.take(), 1U);
  pool.run();
  EXPECT_EQ(seen.size(), 1U);
}

TEST_F(GreenPoolTest, KnowsForHowLongTheHubHasNotCome) {
  GreenPool pool{inner, log, 10};
  const auto in_a_minute = std::chrono::steady_clock::now() + std::chrono::minutes{1};
  EXPECT_EQ(pool.silent_for(in_a_minute).count(), 0);

  queue(pool, "/");
  EXPECT_GT(pool.silent_for(in_a_minute), std::chrono::seconds{30});

  static_cast<void>(pool.take());
  EXPECT_EQ(pool.silent_for(in_a_minute).count(), 0);
  pool.run();
}

TEST_F(GreenPoolTest, AlertsTheHubAgainIfSomebodyElseHasReadTheAlert) {
  GreenPool pool{inner, log, 10};
  queue(pool, "/");
  eventfd_t lost = 0;
  ASSERT_EQ(::eventfd_read(pool.fileno(), &lost), 0);
  ASSERT_FALSE(readable(pool));

  pool.ask_for_a_sign();

  EXPECT_TRUE(readable(pool));
  EXPECT_EQ(pool.take(), 1U);
  pool.run();
}

TEST_F(GreenPoolTest, PublishesWhatItDoes) {
  std::array<std::atomic<std::uint64_t>, 4> counts{};
  RunningRequests requests;
  GreenPool pool{inner, log, 2};
  pool.publish_to({&counts[0], &counts[1], &counts[2], &counts[3], &requests});
  EXPECT_EQ(counts[2], 2U);
  queue(pool, "/first");
  EXPECT_EQ(counts[2], 0U);
  ASSERT_EQ(pool.take(), 1U);

  act = [&](const Request& request) {
    if (request.path == "/second") {
      EXPECT_EQ(counts[0], 2U);
      EXPECT_EQ(requests.list().size(), 2U);
      return;
    }
    queue(pool, "/second");
    ASSERT_EQ(pool.take(), 1U);
    pool.run();
  };
  pool.run();

  EXPECT_EQ(counts[0], 0U);
  EXPECT_EQ(counts[1], 0U);
  EXPECT_EQ(counts[2], 2U);
  EXPECT_EQ(counts[3], 2U);
  EXPECT_TRUE(requests.list().empty());
}

TEST_F(GreenPoolTest, LosesNoCallThatManyProducersQueue) {
  constexpr int kProducers = 3, kCalls = 5000;
  GreenPool pool{inner, log, 100};
  std::vector<std::thread> producers;
  for (int i = 0; i < kProducers; ++i) {
    producers.emplace_back([&] {
      for (int n = 0; n < kCalls; ++n) queue(pool, "/");
    });
  }

  while (seen.size() < std::size_t{kProducers} * kCalls) {
    pollfd watched{pool.fileno(), POLLIN, 0};
    ASSERT_EQ(::poll(&watched, 1, 10'000), 1) << seen.size();
    for (std::size_t left = pool.take(); left > 0; --left) pool.run();
  }

  for (auto& each : producers) each.join();
  EXPECT_FALSE(pool.busy());
}

}  // namespace
}  // namespace spawning
