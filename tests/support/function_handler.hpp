// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// A Handler that a test writes as a lambda.

#include <functional>
#include <utility>

#include "spawning/handler.hpp"

namespace spawning::test {

class FunctionHandler : public Handler {
 public:
  explicit FunctionHandler(std::function<void(Request, Responder)> function)
      : function_{std::move(function)} {}
  void handle(Request request, Responder responder) override {
    function_(request, std::move(responder));
  }

 private:
  std::function<void(Request, Responder)> function_;
};

}  // namespace spawning::test
