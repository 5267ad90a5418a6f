// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// How often a benchmark allocates.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "support/allocations.hpp"

namespace spawning::bench {

/// Reports, next to the times, how many allocations a request took: the counter `allocs`.
/// Declare it after the set-up and the warming up, directly before the loop.
///
/// \par Threads  Counts the allocations of all threads.
class AllocationReport {
 public:
  /// \param requests  how many requests an iteration serves.
  explicit AllocationReport(benchmark::State& state, double requests = 1)
      : state_{state}, requests_{requests}, before_{test::allocations()} {}
  ~AllocationReport() {
    const auto count = static_cast<double>(test::allocations() - before_);
    const auto requests = std::max(1.0, requests_ * static_cast<double>(state_.iterations()));
    // The framework itself allocates now and then: not of interest beyond a thousandth of a
    // request.
    state_.counters["allocs"] = std::round(count / requests * 1000) / 1000;
  }

  AllocationReport(const AllocationReport&) = delete;
  AllocationReport& operator=(const AllocationReport&) = delete;

 private:
  benchmark::State& state_;
  double requests_;
  std::uint64_t before_;
};

}  // namespace spawning::bench
