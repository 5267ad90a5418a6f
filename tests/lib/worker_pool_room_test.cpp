// SPDX-License-Identifier: MIT
// How long who brings calls to a WorkerPool waits for room.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>
#include <thread>
#include <vector>

#include "spawning/worker_pool.hpp"
#include "support/function_handler.hpp"
#include "support/pool_fixture.hpp"

namespace spawning {
namespace {

struct WorkerPoolRoomTest : test::PoolTest {
  static constexpr std::chrono::minutes kLong{10};

  void queue(int calls) {
    for (int i = 0; i < calls; ++i) pool.handle(request(), responder());
  }
  void run(int calls) {
    for (int i = 0; i < calls; ++i) ASSERT_TRUE(pool.run_one());
  }

  std::chrono::milliseconds call_takes{0};
  test::FunctionHandler inner{[this](Request, Responder) {
    const auto end = std::chrono::steady_clock::now() + call_takes;
    while (std::chrono::steady_clock::now() < end) {
    }
  }};
  const Log errors = log();
  WorkerPool pool{inner, errors};
};

TEST_F(WorkerPoolRoomTest, IsThereWhereFewCallsWait) {
  queue(2);
  pool.wait_for_room(kLong);
  EXPECT_EQ(pool.queued(), 2U);
}

TEST_F(WorkerPoolRoomTest, IsThereOnceMostCallsAreTaken) {
  queue(40);
  std::atomic<bool> room{false};
  std::atomic<std::size_t> left{0};
  std::thread waiter{[&] {
    pool.wait_for_room(kLong);
    left = pool.queued();
    room = true;
  }};
  while (!room && pool.run_one()) {
  }
  waiter.join();
  EXPECT_LE(left, 10U);
}

TEST_F(WorkerPoolRoomTest, IsNotWaitedForTooLong) {
  queue(40);
  pool.wait_for_room(std::chrono::milliseconds{1});
  EXPECT_EQ(pool.queued(), 40U);
}

TEST_F(WorkerPoolRoomTest, IsNotWaitedForAgainWhereNoCallHasCome) {
  queue(40);
  pool.wait_for_room(std::chrono::milliseconds{1});
  pool.wait_for_room(kLong);
  EXPECT_EQ(pool.queued(), 40U);
}

TEST_F(WorkerPoolRoomTest, IsNotWaitedForInAPoolThatStops) {
  queue(40);
  std::thread waiter{[&] { pool.wait_for_room(kLong); }};
  pool.stop();
  waiter.join();
  EXPECT_EQ(pool.queued(), 40U);
}

TEST_F(WorkerPoolRoomTest, IsNotWaitedForWhereCallsAreShort) {
  constexpr std::chrono::milliseconds kMost{100};
  std::optional<std::chrono::steady_clock::duration> took;
  // Until calls have been short, which on a busy machine they need not be.
  while (!took || *took >= kMost) {
    pool.wait_for_room(kMost);  // they are counted from here on
    queue(1000);
    run(960);
    const auto begin = std::chrono::steady_clock::now();
    pool.wait_for_room(kMost);
    took = std::chrono::steady_clock::now() - begin;
    run(40);
  }
}

TEST_F(WorkerPoolRoomTest, IsWaitedForAgainWhenCallsHaveBecomeLong) {
  call_takes = std::chrono::milliseconds{1};
  pool.wait_for_room(kLong);
  queue(60);
  run(20);
  const auto begin = std::chrono::steady_clock::now();
  pool.wait_for_room(std::chrono::milliseconds{1});
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds{1});
}

TEST_F(WorkerPoolRoomTest, IsWaitedForLongerWhereCallsWantMoreOfTheProcessorThanThereIs) {
  call_takes = std::chrono::milliseconds{4};
  std::vector<std::thread> busy;
  for (int i = 0; i < 8; ++i) busy.emplace_back([this] { pool.run(); });
  std::chrono::steady_clock::duration took{};
  // Until calls have had most of a processor, which on a busy machine they need not get.
  while (took < std::chrono::milliseconds{2}) {
    if (pool.queued() < 60) queue(20);
    const auto begin = std::chrono::steady_clock::now();
    pool.wait_for_room(std::chrono::microseconds{0});
    took = std::chrono::steady_clock::now() - begin;
  }
  pool.stop();
  for (auto& thread : busy) thread.join();
}

}  // namespace
}  // namespace spawning
