// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// All interpreters of a worker that has several.

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <semaphore>
#include <vector>

#include "spawning/handler.hpp"
#include "spawning/unique_fd.hpp"
#include "spawning/worker.hpp"
#include "sub_interpreter.hpp"

namespace spawning::python {

/// Answers a request with the application of the interpreter that the calling thread belongs to.
///
/// \par Threads   handle() on threads of its interpreters, with their GIL held. The rest on one thread; what
///                waits, and the constructor, without one: interpreters that begin take the first one's.
class Interpreters : public Handler {
 public:
  /// Has so many interpreters load the application, one after the other: CPython 3.13.0 crashes now and
  /// then where two import `ctypes` at the same time.
  Interpreters(unsigned count, SubInterpreter::Duty duty);

  Interpreters(const Interpreters&) = delete;
  Interpreters& operator=(const Interpreters&) = delete;

  /// Readable once all have loaded it, or one has failed to.
  [[nodiscard]] int fileno() const { return known_.get(); }
  /// Of one that has failed, then.
  [[nodiscard]] std::optional<LoadFailure> failure() const;

  /// Has them answer requests.
  void serve();
  /// Lets go of those that are not to serve, and waits until nothing runs in any of them.
  /// \returns whether all went well. \see SubInterpreter::end
  [[nodiscard]] bool end();

  void handle(Request request, Responder responder) override;

 private:
  UniqueFd known_;
  std::atomic<std::size_t> to_come_;
  std::binary_semaphore turn_{1};  // to load
  std::vector<std::unique_ptr<SubInterpreter>> all_;
};

}  // namespace spawning::python
