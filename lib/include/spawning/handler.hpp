// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Whatever answers requests.

#include <functional>
#include <utility>

#include "spawning/export.hpp"
#include "spawning/request.hpp"
#include "spawning/responder.hpp"

namespace SPAWNING_EXPORT spawning {

/// Answers requests. Everything that answers is a Handler, and everything in between wraps one.
///
/// handle() may answer before it returns or keep the Responder and answer later, from any thread.
/// An exception out of handle() becomes a 500 (or an abort, if the head is out) and one log line.
///
/// \par Threads   Called on the thread of whoever calls: a Server calls on its I/O thread, where
///                nothing may block; a WorkerPool calls on the threads donated to it.
/// \par Lifetime  A Handler outlives everything that calls it.
class Handler {
 public:
  virtual ~Handler() = default;
  virtual void handle(Request request, Responder responder) = 0;
};

/// A Handler that is a function.
class FunctionHandler final : public Handler {
 public:
  using Function = std::function<void(Request, Responder)>;

  explicit FunctionHandler(Function function) : function_{std::move(function)} {}
  void handle(Request request, Responder responder) override {
    function_(request, std::move(responder));
  }

 private:
  Function function_;
};

}  // namespace spawning
