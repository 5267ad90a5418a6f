// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// A Handler that keeps the threads that call it until a test lets them go.

#include <barrier>
#include <string_view>

#include "spawning/handler.hpp"

namespace spawning::test {

/// \par Threads   handle() on so many threads as it is made for, at a time; the rest on the test's.
class GatedHandler final : public Handler {
 public:
  /// \param answer   a literal: what each request is answered with, once it is let go.
  explicit GatedHandler(std::string_view answer, std::ptrdiff_t threads = 1)
      : answer_{answer}, inside_{threads + 1}, leave_{threads + 1} {}

  void handle(Request, Responder responder) override {
    inside_.arrive_and_wait();
    leave_.arrive_and_wait();
    responder.respond({}, answer_);
  }

  /// All of its threads have come.
  void wait_until_inside() { inside_.arrive_and_wait(); }

  /// Lets them go, which are inside or on their way.
  void let_go() { leave_.arrive_and_wait(); }

 private:
  const std::string_view answer_;
  std::barrier<> inside_, leave_;
};

}  // namespace spawning::test
