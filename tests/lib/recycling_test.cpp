// SPDX-License-Identifier: MIT
#include "supervise/recycling.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

namespace spawning {
namespace {

using Weights = std::vector<WorkerMemory>;
using Workers = std::vector<WorkerId>;

WorkerMemory serving(WorkerId worker, Bytes memory) { return {worker, memory, true}; }
WorkerMemory other(WorkerId worker, Bytes memory) { return {worker, memory, false}; }

Recycling with_requests(std::uint64_t requests, std::uint64_t jitter = 0) {
  return Recycling{{.requests = requests, .requests_jitter = jitter}};
}

// --- requests
// -------------------------------------------------------------------------------------

TEST(RecyclingTest, LetsAWorkerGoThatHasServedEnough) {
  const Recycling recycling = with_requests(1000);

  EXPECT_FALSE(recycling.served_enough(1, 999));
  EXPECT_TRUE(recycling.served_enough(1, 1000));
}

TEST(RecyclingTest, LetsWorkersServeForEverIfNoNumberIsEnough) {
  const Recycling recycling = with_requests(0, 10);

  EXPECT_FALSE(recycling.served_enough(1, 1'000'000'000));
  EXPECT_FALSE(recycling.counts_requests());
}

// The first number that is enough.
std::uint64_t enough(const Recycling& recycling, WorkerId worker) {
  std::uint64_t requests = 0;
  while (!recycling.served_enough(worker, requests)) ++requests;
  return requests;
}

TEST(RecyclingTest, GivesEachWorkerAJitterOfItsOwnWithinBounds) {
  const Recycling recycling = with_requests(100, 50);

  std::set<std::uint64_t> seen;
  for (WorkerId worker = 1; worker <= 2000; ++worker) {
    const auto number = enough(recycling, worker);
    ASSERT_GE(number, 100U);
    ASSERT_LE(number, 150U);
    seen.insert(number);
  }

  EXPECT_EQ(seen.size(), 51U);
}

TEST(RecyclingTest, TellsWorkersApartThatBeganTogether) {
  const Recycling recycling = with_requests(1000, 800);

  std::vector<std::uint64_t> numbers;
  for (WorkerId worker = 1; worker <= 8; ++worker) numbers.push_back(enough(recycling, worker));
  std::ranges::sort(numbers);

  for (std::size_t i = 1; i < numbers.size(); ++i) EXPECT_GE(numbers[i] - numbers[i - 1], 40U);
}

// --- the memory of a worker
// -----------------------------------------------------------------------

TEST(RecyclingTest, LetsAWorkerGoOnceThatUsesTooMuch) {
  Recycling recycling{{.worker_memory = 100_MiB}};

  EXPECT_EQ(recycling.weigh({serving(1, 40_MiB), serving(2, 40_MiB)}).too_large, Workers{});
  EXPECT_EQ(recycling.weigh({serving(1, 100_MiB), serving(2, 101_MiB)}).too_large, Workers{2});
  EXPECT_EQ(recycling.weigh({serving(1, 101_MiB), serving(2, 102_MiB)}).too_large, Workers{1});
}

TEST(RecyclingTest, LetsAWorkerGoThatUsesTooMuchWhenItIsFirstWeighedIfItBeganWithLess) {
  Recycling recycling{{.worker_memory = 100_MiB}};
  recycling.begins(1, 40_MiB);

  EXPECT_EQ(recycling.weigh({serving(1, 120_MiB)}).too_large, Workers{1});
}

TEST(RecyclingTest, WeighsOnlyWorkersThatServe) {
  Recycling recycling{{.worker_memory = 100_MiB, .memory = 100_MiB}};
  static_cast<void>(recycling.weigh({serving(1, 40_MiB)}));

  EXPECT_EQ(recycling.weigh({serving(1, 50_MiB), other(2, 500_MiB)}),
            Recycling::Verdict{.total = 50_MiB});
}

TEST(RecyclingTest, WarnsOnceOfALimitThatAFreshWorkerExceedsAndReplacesNobodyForIt) {
  Recycling recycling{{.worker_memory = 100_MiB}};

  const auto first = recycling.weigh({serving(1, 120_MiB), serving(2, 120_MiB)});

  EXPECT_EQ(first.worker_limit_too_low, 120_MiB);
  EXPECT_EQ(first.too_large, Workers{});
  EXPECT_EQ(recycling.weigh({serving(1, 130_MiB), serving(3, 120_MiB)}),
            Recycling::Verdict{.total = 250_MiB});
}

TEST(RecyclingTest, ReplacesAWorkerThatBeganOverItsLimitWhenItHasGrownByHalf) {
  Recycling recycling{{.worker_memory = 100_MiB}};
  static_cast<void>(recycling.weigh({serving(1, 120_MiB)}));

  EXPECT_EQ(recycling.weigh({serving(1, 180_MiB)}).too_large, Workers{});
  EXPECT_EQ(recycling.weigh({serving(1, 181_MiB)}).too_large, Workers{1});
}

TEST(RecyclingTest, TakesALimitThatAFreshWorkerNearlyReachesForTooLowToo) {
  Recycling recycling{{.worker_memory = 100_MiB}};

  EXPECT_EQ(recycling.weigh({serving(1, 95_MiB)}).worker_limit_too_low, 95_MiB);
  EXPECT_EQ(recycling.weigh({serving(1, 101_MiB)}).too_large, Workers{});
  EXPECT_EQ(recycling.weigh({serving(1, 143_MiB)}).too_large, Workers{1});
}

// Workers of an application that loads most of itself when it is first asked. Gives how often each
// of them was weighed before it had to go.
std::vector<unsigned> weighings(Recycling& recycling, unsigned workers, Bytes first, Bytes then) {
  std::vector<unsigned> numbers;
  for (WorkerId worker = 1; worker <= workers; ++worker) {
    recycling.begins(worker, first);
    numbers.push_back(1);
    while (recycling.weigh({serving(worker, then)}).too_large.empty()) ++numbers.back();
  }
  return numbers;
}

TEST(RecyclingTest, GivesWorkersThatOutgrowTheirLimitSoonEverMoreTime) {
  Recycling recycling{{.worker_memory = 100_MiB}};

  EXPECT_EQ(weighings(recycling, 12, 50_MiB, 110_MiB),
            (std::vector<unsigned>{1, 3, 6, 12, 24, 48, 96, 192, 384, 720, 720, 720}));
}

TEST(RecyclingTest, GivesWorkersMoreTimeButNotMoreThanTwiceTheMemory) {
  Recycling recycling{{.worker_memory = 100_MiB}};

  EXPECT_EQ(weighings(recycling, 4, 50_MiB, 201_MiB), (std::vector<unsigned>{1, 1, 1, 1}));
}

TEST(RecyclingTest, WarnsOnceOfWorkersThatOutgrowTheirLimitSoon) {
  Recycling recycling{{.worker_memory = 100_MiB}};

  std::vector<WorkerId> warned;
  for (WorkerId worker = 1; worker <= 8; ++worker) {
    recycling.begins(worker, 50_MiB);
    if (recycling.weigh({serving(worker, 250_MiB)}).outgrown_soon) warned.push_back(worker);
  }

  EXPECT_EQ(warned, Workers{3});
}

TEST(RecyclingTest, HasLessPatienceAgainWhenWorkersLast) {
  Recycling recycling{{.worker_memory = 100_MiB}};
  static_cast<void>(weighings(recycling, 4, 50_MiB, 110_MiB));  // 24 weighings are left to each

  for (WorkerId worker = 101; worker <= 103; ++worker) {
    recycling.begins(worker, 50_MiB);
    for (int weighing = 0; weighing < 60; ++weighing)
      static_cast<void>(recycling.weigh({serving(worker, 90_MiB)}));
    EXPECT_EQ(recycling.weigh({serving(worker, 110_MiB)}).too_large, Workers{worker});
  }

  recycling.begins(201, 50_MiB);
  EXPECT_EQ(recycling.weigh({serving(201, 90_MiB)}).too_large, Workers{});
  EXPECT_EQ(recycling.weigh({serving(201, 90_MiB)}).too_large, Workers{});
  EXPECT_EQ(recycling.weigh({serving(201, 110_MiB)}).too_large, Workers{201});  // 3 are left
}

// --- the memory of all
// ----------------------------------------------------------------------------

TEST(RecyclingTest, LetsTheLargestGoWhenAllTogetherUseTooMuch) {
  Recycling recycling{{.memory = 200_MiB}};
  static_cast<void>(recycling.weigh({serving(1, 40_MiB), serving(2, 40_MiB), serving(3, 40_MiB)}));

  const auto verdict =
      recycling.weigh({serving(1, 60_MiB), serving(2, 81_MiB), serving(3, 60_MiB)});

  EXPECT_EQ(verdict.largest, 2U);
  EXPECT_EQ(verdict.total, 201_MiB);
  EXPECT_EQ(verdict.too_large, Workers{});
}

TEST(RecyclingTest, WeighsAllAgainOnceTheProcessOfTheLargestIsGone) {
  Recycling recycling{{.memory = 100_MiB}};
  static_cast<void>(recycling.weigh({serving(1, 30_MiB), serving(2, 30_MiB)}));
  static_cast<void>(recycling.weigh({serving(1, 90_MiB), serving(2, 80_MiB)}));

  const Weights loading{serving(1, 90_MiB), serving(2, 80_MiB), other(3, 10_MiB)};
  const Weights draining{other(1, 90_MiB), serving(2, 80_MiB), serving(3, 30_MiB)};
  const Weights gone{serving(2, 80_MiB), serving(3, 30_MiB)};

  EXPECT_EQ(recycling.weigh(loading).largest, std::nullopt);
  EXPECT_EQ(recycling.weigh(draining).largest, std::nullopt);
  EXPECT_EQ(recycling.weigh(gone).largest, 2U);
}

TEST(RecyclingTest, LetsTheSumWaitForAWorkerThatIsTooLargeByItself) {
  Recycling recycling{{.worker_memory = 100_MiB, .memory = 150_MiB}};
  static_cast<void>(recycling.weigh({serving(1, 30_MiB), serving(2, 30_MiB)}));

  const auto verdict = recycling.weigh({serving(1, 110_MiB), serving(2, 90_MiB)});

  EXPECT_EQ(verdict.too_large, Workers{1});
  EXPECT_EQ(verdict.largest, std::nullopt);
}

TEST(RecyclingTest, WarnsOnceOfALimitThatFreshWorkersExceedTogetherAndReplacesNobodyForIt) {
  Recycling recycling{{.memory = 100_MiB}};

  const auto first = recycling.weigh({serving(1, 60_MiB), serving(2, 60_MiB)});

  EXPECT_EQ(first.limit_too_low, 120_MiB);
  EXPECT_EQ(first.largest, std::nullopt);
  EXPECT_EQ(recycling.weigh({serving(1, 70_MiB), serving(2, 60_MiB)}),
            Recycling::Verdict{.total = 130_MiB});
  EXPECT_EQ(recycling.weigh({serving(1, 70_MiB), serving(2, 111_MiB)}).largest, 2U);
}

TEST(RecyclingTest, SparesAWorkerThatHasNotGrown) {
  Recycling recycling{{.memory = 200_MiB}};
  static_cast<void>(recycling.weigh({serving(1, 120_MiB), serving(2, 40_MiB)}));

  EXPECT_EQ(recycling.weigh({serving(1, 120_MiB), serving(2, 81_MiB)}).largest, 2U);
}

TEST(RecyclingTest, GivesWorkersMoreTimeAlsoWhenAllTogetherUseTooMuch) {
  Recycling recycling{{.memory = 100_MiB}};
  recycling.begins(1, 40_MiB);
  recycling.begins(2, 40_MiB);

  EXPECT_EQ(recycling.weigh({serving(1, 60_MiB), serving(2, 55_MiB)}).largest, 1U);
  recycling.begins(3, 40_MiB);
  EXPECT_EQ(recycling.weigh({serving(3, 60_MiB), serving(2, 55_MiB)}).largest, std::nullopt);
  EXPECT_EQ(recycling.weigh({serving(3, 60_MiB), serving(2, 55_MiB)}).largest, std::nullopt);
  EXPECT_EQ(recycling.weigh({serving(3, 60_MiB), serving(2, 55_MiB)}).largest, 3U);
}

// Workers that leak: however fast, one goes at a time, and none that has just come.
TEST(RecyclingTest, ReplacesLeakingWorkersOneAfterTheOther) {
  Recycling recycling{{.memory = 200_MiB}};
  Weights workers{serving(1, 30_MiB), serving(2, 30_MiB), serving(3, 30_MiB)};
  WorkerId newest = 3;

  unsigned replaced = 0;
  for (int weighing = 0; weighing < 100; ++weighing) {
    const auto verdict = recycling.weigh(workers);
    for (WorkerMemory& each : workers) each.memory.count += (5_MiB).count;
    if (!verdict.largest) continue;
    ++replaced;
    const auto largest = std::ranges::find(workers, *verdict.largest, &WorkerMemory::worker);
    ASSERT_EQ(largest->memory, std::ranges::max_element(workers, {}, [](const WorkerMemory& each) {
                                 return each.memory.count;
                               })->memory);
    *largest = serving(++newest, 30_MiB);
    ASSERT_LE(verdict.total, 220_MiB);
  }

  EXPECT_GT(replaced, 5U);
  EXPECT_LT(replaced, 40U);
}

}  // namespace
}  // namespace spawning
