// SPDX-License-Identifier: MIT
#include "spawning/worker_pool.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <latch>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/function_handler.hpp"
#include "support/pool_fixture.hpp"
#include "support/recording_exchange.hpp"

namespace spawning {
namespace {

using WorkerPoolTest = test::PoolTest;

TEST_F(WorkerPoolTest, RunsCallsInTheOrderOfArrival) {
  std::vector<std::string> seen;
  test::FunctionHandler inner{[&](Request r, Responder) { seen.emplace_back(r.path); }};
  const Log errors = log();
  WorkerPool pool{inner, errors};

  std::vector<std::string> sent;
  for (int i = 0; i < 200; ++i) sent.push_back("/" + std::to_string(i));
  for (const auto& path : sent) pool.handle(request(path), responder());
  EXPECT_EQ(pool.queued(), 200U);
  while (pool.run_one()) {
  }

  EXPECT_EQ(seen, sent);
  EXPECT_EQ(pool.queued(), 0U);
}

TEST_F(WorkerPoolTest, RunsAsManyCallsAtOnceAsThreadsAreDonated) {
  constexpr int kThreads = 4;
  std::barrier all_inside{kThreads};
  test::FunctionHandler inner{[&](Request, Responder) { all_inside.arrive_and_wait(); }};
  const Log errors = log();
  WorkerPool pool{inner, errors};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back([&] { pool.run(); });

  // The barrier opens only if every thread is inside at the same time.
  for (int i = 0; i < kThreads * 50; ++i) pool.handle(request(), responder());

  pool.stop();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(pool.queued(), 0U);
  EXPECT_EQ(pool.running(), 0U);
}

TEST_F(WorkerPoolTest, RunsEverythingThatManyProducersQueue) {
  constexpr int kProducers = 3, kCalls = 5000;
  std::atomic<int> ran{0};
  test::FunctionHandler inner{[&](Request, Responder) { ++ran; }};
  const Log errors = log();
  WorkerPool pool{inner, errors};
  std::vector<std::thread> consumers, producers;
  for (int i = 0; i < 3; ++i) consumers.emplace_back([&] { pool.run(); });
  auto exchange = std::make_shared<test::RecordingExchange>();
  exchange->client_left = true;

  for (int i = 0; i < kProducers; ++i) {
    producers.emplace_back([&] {
      Body own_body;
      for (int n = 0; n < kCalls; ++n) {
        pool.handle({.method = "GET",
                     .path = "/",
                     .body = &own_body,
                     .connection = &connection,
                     .client = &connection.peer},
                    responder());
      }
    });
  }
  for (auto& thread : producers) thread.join();
  pool.stop();
  for (auto& thread : consumers) thread.join();

  EXPECT_EQ(ran, kProducers * kCalls);
}

TEST_F(WorkerPoolTest, ReturnsFromWaitWhenStopped) {
  test::FunctionHandler inner{[](Request, Responder) {}};
  const Log errors = log();
  WorkerPool pool{inner, errors};
  std::thread waiting{[&] { EXPECT_FALSE(pool.wait()); }};

  pool.stop();
  waiting.join();

  EXPECT_FALSE(pool.wait());
}

TEST_F(WorkerPoolTest, FinishesItsQueueBeforeItStops) {
  int ran = 0;
  test::FunctionHandler inner{[&](Request, Responder) { ++ran; }};
  const Log errors = log();
  WorkerPool pool{inner, errors};
  pool.handle(request(), responder());
  pool.handle(request(), responder());

  pool.stop();
  pool.run();

  EXPECT_EQ(ran, 2);
}

TEST_F(WorkerPoolTest, IsSaturatedUnlessAThreadIsFree) {
  std::barrier inside{2}, leave{2};
  test::FunctionHandler inner{[&](Request, Responder) {
    inside.arrive_and_wait();
    leave.arrive_and_wait();
  }};
  const Log errors = log();
  WorkerPool pool{inner, errors};
  std::barrier idle{2};
  pool.on_idle([&] { idle.arrive_and_wait(); });
  EXPECT_TRUE(pool.saturated());  // nobody has donated a thread

  std::thread thread{[&] { pool.run(); }};
  idle.arrive_and_wait();
  EXPECT_FALSE(pool.saturated());
  pool.handle(request(), responder());
  inside.arrive_and_wait();
  EXPECT_TRUE(pool.saturated());
  leave.arrive_and_wait();
  idle.arrive_and_wait();
  EXPECT_FALSE(pool.saturated());

  pool.stop();
  thread.join();
}

// Who asks right after a call was queued must not be told to wait for a call that runs long.
TEST_F(WorkerPoolTest, IsNotSaturatedByACallThatOneOfManyFreeThreadsIsAboutToTake) {
  test::FunctionHandler inner{[](Request, Responder) {}};
  const Log errors = log();
  WorkerPool pool{inner, errors};
  std::barrier idle{3}, go{3};
  pool.on_idle([&] {  // as good as asleep, and held there
    idle.arrive_and_wait();
    go.arrive_and_wait();
  });
  std::thread one{[&] { pool.run(); }}, two{[&] { pool.run(); }};
  idle.arrive_and_wait();

  EXPECT_FALSE(pool.saturated());
  pool.handle(request(), responder());
  EXPECT_FALSE(pool.saturated());
  pool.handle(request(), responder());
  EXPECT_TRUE(pool.saturated());

  pool.stop();
  go.arrive_and_wait();
  one.join();
  two.join();
}

// As those of an interpreter whose lock another of its threads keeps.
TEST_F(WorkerPoolTest, WakesThreadsUntilOneIsNotHeldUp) {
  constexpr int kThreads = 3;
  std::latch answered{1};
  test::FunctionHandler inner{[&](Request, Responder) { answered.count_down(); }};
  const Log errors = log();
  WorkerPool pool{inner, errors};
  std::barrier idle{kThreads + 1};
  pool.on_idle([&] { idle.arrive_and_wait(); });
  std::atomic<int> woken{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      EXPECT_TRUE(pool.wait());
      if (++woken < kThreads) {
        pool.wake_another();
        answered.wait();
      }
      pool.run_one();
    });
  }
  idle.arrive_and_wait();

  pool.handle(request(), responder());
  for (auto& thread : threads) thread.join();

  EXPECT_EQ(woken, kThreads);
  EXPECT_EQ(pool.queued(), 0U);
}

TEST_F(WorkerPoolTest, WakesNobodyInPlaceOfOneThatIsHeldUpIfNoCallIsQueued) {
  std::atomic<std::uint64_t> running{0}, queued{0}, idle_threads{0}, completed{0};
  test::FunctionHandler inner{[](Request, Responder) {}};
  const Log errors = log();
  WorkerPool pool{inner, errors};
  pool.publish_to({&running, &queued, &idle_threads, &completed});
  std::barrier idle{2}, go{2};
  pool.on_idle([&] {  // as good as asleep, and held there
    idle.arrive_and_wait();
    go.arrive_and_wait();
  });
  std::thread thread{[&] { pool.run(); }};
  idle.arrive_and_wait();

  pool.wake_another();
  EXPECT_EQ(idle_threads, 1U);
  pool.handle(request(), responder());
  EXPECT_EQ(idle_threads, 0U);
  pool.wake_another();  // nobody sleeps
  EXPECT_EQ(idle_threads, 0U);

  pool.stop();
  go.arrive_and_wait();
  thread.join();
  EXPECT_EQ(idle_threads, 0U);
  EXPECT_EQ(pool.queued(), 0U);
}

TEST_F(WorkerPoolTest, PublishesWhatRunsAndWhatWaits) {
  std::atomic<std::uint64_t> running{99}, queued{99}, idle{99}, completed{99};
  std::uint64_t seen_running = 0, seen_queued = 0;
  test::FunctionHandler inner{[&](Request, Responder) {
    seen_running = running;
    seen_queued = queued;
  }};
  const Log errors = log();
  WorkerPool pool{inner, errors};
  pool.publish_to({&running, &queued, &idle, &completed});

  pool.handle(request(), responder());
  pool.handle(request(), responder());
  EXPECT_EQ(queued, 2U);
  EXPECT_TRUE(pool.run_one());

  EXPECT_EQ(seen_running, 1U);
  EXPECT_EQ(seen_queued, 1U);
  EXPECT_EQ(running, 0U);
  EXPECT_TRUE(pool.run_one());
  EXPECT_EQ(idle, 0U);
  EXPECT_EQ(completed, 2U);
}

TEST_F(WorkerPoolTest, ListsWhatRunsUntilItsThreadIsFreeAgain) {
  std::atomic<std::uint64_t> running{0}, queued{0}, idle{0}, completed{0};
  const auto requests = std::make_unique<RunningRequests>();
  std::vector<ListedRequest> at_first, after_the_answer;
  test::FunctionHandler inner{[&](Request, Responder answering) {
    at_first = requests->list();
    answering.respond({}, "answered");
    after_the_answer = requests->list();
    throw std::runtime_error{"after the answer"};
  }};
  const Log errors = log();
  WorkerPool pool{inner, errors};
  pool.publish_to({&running, &queued, &idle, &completed, requests.get()});
  Request slow = request();
  slow.target = "/slow?";

  pool.handle(slow, responder());
  EXPECT_TRUE(requests->list().empty());
  EXPECT_TRUE(pool.run_one());

  ASSERT_EQ(at_first.size(), 1U);
  EXPECT_EQ(at_first[0].path, "/slow?");
  EXPECT_EQ(after_the_answer.size(), 1U);
  EXPECT_TRUE(requests->list().empty());
}

TEST_F(WorkerPoolTest, DoesNotListWhatIsNotBegunOrWentToAnotherThread) {
  std::atomic<std::uint64_t> running{0}, queued{0}, idle{0}, completed{0};
  const auto requests = std::make_unique<RunningRequests>();
  std::optional<Responder> kept;
  test::FunctionHandler inner{[&](Request, Responder answering) { kept = std::move(answering); }};
  const Log errors = log();
  WorkerPool pool{inner, errors};
  pool.publish_to({&running, &queued, &idle, &completed, requests.get()});
  auto gone = std::make_shared<test::RecordingExchange>();
  gone->client_left = true;

  pool.handle(request(), Responder{gone});
  EXPECT_TRUE(pool.run_one());
  EXPECT_FALSE(kept);
  EXPECT_EQ(requests->used, 0U);
  pool.handle(request(), responder());
  EXPECT_TRUE(pool.run_one());

  ASSERT_TRUE(kept);
  EXPECT_EQ(requests->used, 1U);
  EXPECT_TRUE(requests->list().empty());
  std::thread{[&] { kept->respond({}, "later"); }}.join();
}

TEST_F(WorkerPoolTest, PublishesHowManyThreadsAreIdle) {
  std::atomic<std::uint64_t> running{0}, queued{0}, idle{0}, completed{0};
  std::barrier inside{2}, leave{2}, rest{2};
  test::FunctionHandler inner{[&](Request, Responder) {
    inside.arrive_and_wait();
    leave.arrive_and_wait();
  }};
  const Log errors = log();
  WorkerPool pool{inner, errors};
  pool.publish_to({&running, &queued, &idle, &completed});
  pool.on_idle([&] { rest.arrive_and_wait(); });

  std::thread thread{[&] { pool.run(); }};
  rest.arrive_and_wait();
  EXPECT_EQ(idle, 1U);
  pool.handle(request(), responder());
  inside.arrive_and_wait();
  EXPECT_EQ(idle, 0U);
  leave.arrive_and_wait();
  rest.arrive_and_wait();
  EXPECT_EQ(idle, 1U);

  pool.stop();
  thread.join();
  EXPECT_EQ(idle, 0U);
}

TEST_F(WorkerPoolTest, SaysSoWhenACallHasToWait) {
  test::FunctionHandler inner{[](Request, Responder) {}};
  const Log errors = log();
  WorkerPool pool{inner, errors};
  int waits = 0;
  pool.on_wait([&] { ++waits; });
  std::barrier idle{2}, go{2};
  pool.on_idle([&] {  // as good as asleep, and held there
    idle.arrive_and_wait();
    go.arrive_and_wait();
  });
  std::thread thread{[&] { pool.run(); }};
  idle.arrive_and_wait();
  EXPECT_FALSE(pool.waiting_since());

  const auto received = std::chrono::steady_clock::now();
  Request first = request();
  first.received = received;
  pool.handle(first, responder());
  EXPECT_EQ(waits, 0);
  pool.handle(request(), responder());
  EXPECT_EQ(waits, 1);
  EXPECT_EQ(pool.waiting_since(), received);

  pool.stop();
  go.arrive_and_wait();
  thread.join();
}

TEST_F(WorkerPoolTest, GivesWaitingCallsBackTheOldestFirst) {
  std::vector<std::string> seen;
  test::FunctionHandler inner{[&](Request r, Responder) { seen.emplace_back(r.path); }};
  const Log errors = log();
  WorkerPool pool{inner, errors};
  for (const char* path : {"/1", "/stays", "/2", "/3"}) pool.handle(request(path), responder());

  std::vector<std::string> gone;
  const auto taken = pool.take_back(2, [&](const Request& each, const Responder&) {
    if (each.path == "/stays") return false;
    gone.emplace_back(each.path);
    return true;
  });

  EXPECT_EQ(taken.size(), 2U);
  EXPECT_EQ(gone, (std::vector<std::string>{"/1", "/2"}));
  EXPECT_EQ(pool.queued(), 2U);
  while (pool.run_one()) {
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"/stays", "/3"}));
}

TEST_F(WorkerPoolTest, TurnsAnExceptionInto500AndOneLogLine) {
  test::FunctionHandler inner{
      [](Request, Responder) -> void { throw std::runtime_error{"out of cheese"}; }};
  const Log errors = log();
  WorkerPool pool{inner, errors};
  auto exchange = std::make_shared<test::RecordingExchange>();
  connection.peer.host = "10.0.0.7";

  pool.handle(request("/cheese"), Responder{exchange});
  EXPECT_TRUE(pool.run_one());

  EXPECT_EQ(exchange->status, 500U);
  const std::string text = logged();
  EXPECT_NE(text.find("GET /cheese from 10.0.0.7: out of cheese"), std::string::npos) << text;
}

TEST_F(WorkerPoolTest, Answers500ToWhatIsQueuedWhenItIsDestroyed) {
  auto exchange = std::make_shared<test::RecordingExchange>();
  test::FunctionHandler inner{[](Request, Responder) {}};
  const Log errors = log();
  {
    WorkerPool pool{inner, errors};
    pool.handle(request(), Responder{exchange});
  }

  EXPECT_EQ(exchange->status, 500U);
}

}  // namespace
}  // namespace spawning
