// SPDX-License-Identifier: MIT
// What a WorkerPool learns of how long calls take. In which order it runs them then: call_queue_test.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "spawning/worker_pool.hpp"
#include "support/function_handler.hpp"
#include "support/pool_fixture.hpp"

namespace spawning {
namespace {

// One thread, and what it does in which order; whoever brings calls looks at the pool in between.
struct WorkerPoolOvertakingTest : test::PoolTest {
  std::vector<std::string> seen;
  test::FunctionHandler inner{[this](Request r, Responder) {
    seen.emplace_back(r.path);
    // As long as its work takes; the pool is to find that out.
    if (r.path.starts_with("/slow")) std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }};
  Log errors = log();
  WorkerPool pool{inner, errors};

  // The order in which they are run that arrive in this one.
  std::vector<std::string> run(const std::vector<std::string>& paths) {
    seen.clear();
    for (const auto& path : paths) pool.handle(request(path), responder());
    while (pool.run_one()) pool.wait_for_room(std::chrono::microseconds{0});
    return seen;
  }

  // Until the pool knows them. Whatever holds a thread up is learned, too.
  [[nodiscard]] bool comes_to(const std::vector<std::string>& order,
                              const std::vector<std::string>& arrived) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (run(arrived) != order) {
      if (std::chrono::steady_clock::now() > deadline) return false;
    }
    return true;
  }
};

TEST_F(WorkerPoolOvertakingTest, CallsThatAreKnownToBeBriefDoNotWaitForAllThatTakeLong) {
  EXPECT_TRUE(comes_to({"/fast/1", "/fast/2", "/slow/1", "/slow/2", "/slow/3"},
                       {"/slow/1", "/slow/2", "/fast/1", "/fast/2", "/slow/3"}));
}

}  // namespace
}  // namespace spawning
