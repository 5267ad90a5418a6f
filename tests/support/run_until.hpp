// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Running an event loop in a test until something is true, instead of sleeping.

#include <chrono>

#include "spawning/asio.hpp"

namespace spawning::test {

/// Runs `context` until `condition()` is true. False if that takes longer than `patience`.
template <typename Condition>
[[nodiscard]] bool run_until(IoContext& context, Condition condition,
                             std::chrono::milliseconds patience = std::chrono::seconds{20}) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    context.restart();
    if (std::chrono::steady_clock::now() >= deadline) return false;
    context.run_one_for(std::chrono::milliseconds{50});
  }
  return true;
}

}  // namespace spawning::test
