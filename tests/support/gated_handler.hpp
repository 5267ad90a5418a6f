// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// A Handler that keeps the threads that call it until a test lets them go.

#include <atomic>
#include <barrier>
#include <string_view>
#include <thread>

#include "spawning/handler.hpp"

namespace spawning::test {

/// \par Threads   handle() on so many threads as it is made for, at a time; the rest on the test's.
class GatedHandler final : public Handler {
 public:
  /// \param answer   a literal: what each request is answered with, once it is let go.
  explicit GatedHandler(std::string_view answer, std::ptrdiff_t threads = 1)
      : answer_{answer}, inside_{threads + 1}, leave_{threads + 1} {}

  /// Whoever has been let go is out of it before it ends: a client may have the answer sooner.
  ~GatedHandler() override {
    while (running_.load(std::memory_order_acquire) != 0) std::this_thread::yield();
  }

  GatedHandler(const GatedHandler&) = delete;
  GatedHandler& operator=(const GatedHandler&) = delete;

  void handle(Request, Responder responder) override {
    running_.fetch_add(1, std::memory_order_relaxed);
    inside_.arrive_and_wait();
    leave_.arrive_and_wait();
    responder.respond({}, answer_);
    running_.fetch_sub(1, std::memory_order_release);
  }

  /// All of its threads have come.
  void wait_until_inside() { inside_.arrive_and_wait(); }

  /// Lets them go, which are inside or on their way.
  void let_go() { leave_.arrive_and_wait(); }

 private:
  const std::string_view answer_;
  std::barrier<> inside_, leave_;
  std::atomic<int> running_{0};
};

}  // namespace spawning::test
