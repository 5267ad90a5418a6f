// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// A whole HTTP service within a process that has other things to do.

#include <chrono>
#include <memory>
#include <optional>

#include "spawning/address.hpp"
#include "spawning/config.hpp"
#include "spawning/export.hpp"
#include "spawning/handler.hpp"
#include "spawning/listening_socket.hpp"
#include "spawning/log.hpp"
#include "spawning/log_format.hpp"

namespace SPAWNING_EXPORT spawning {

/// What an InProcessServer does.
struct InProcessConfig {
  HttpConfig http{};
  std::optional<LogFormat> access_log{};  ///< of lines on standard output; empty: none
};

/// How an InProcessServer drains.
struct InProcessDrain {
  /// Who has connected is answered, also if only the kernel knows yet, as when `spawn` stops: takes a
  /// tenth of a second at least. Without it connections on which no request has begun are closed.
  bool newcomers = true;
  /// For running requests to finish. Those that do not are lost, and logged.
  std::chrono::milliseconds patience{10'000};
};

/// Serves HTTP from an I/O thread of its own, as a Worker does, but without a supervisor and without
/// siblings: for tests, notebooks and small tools. Any number may run at once in a process.
///
/// Requests are queued for donated threads. \see WorkerPool
///
/// \par Threads   Safe from any thread, but stop() and the destructor from one at a time.
/// \par Lifetime  The application outlives it; every run_one() and wait_for_call() has returned
///                before it is destroyed. In a process forked from the one that made it, it does
///                nothing: its destructor leaves everything to the end of the process.
class InProcessServer {
 public:
  /// Serves from here on.
  /// \throws std::system_error if there are no descriptors or threads left.
  InProcessServer(ListeningSocket socket, Handler& application, const Log& log,
                  InProcessConfig config = {});
  ~InProcessServer();

  InProcessServer(const InProcessServer&) = delete;
  InProcessServer& operator=(const InProcessServer&) = delete;

  /// Where it listens, with the port that the kernel has chosen for 0.
  [[nodiscard]] const Address& address() const;

  /// \name Donating threads. \see WorkerPool
  /// @{
  [[nodiscard]] bool wait_for_call();
  bool run_one();
  /// @}

  /// Lets nobody new in and finishes what is running. Again: as the last call says.
  void drain(InProcessDrain how = {});

  /// Becomes readable when nothing is left to do after drain() or stop(). Owned by the server.
  [[nodiscard]] int finished_fd() const;

  /// Ends the I/O thread, and so whatever has not finished; threads are let go once they are free.
  /// Idempotent.
  void stop();

  /// In a process that was just forked: lets go of the listening socket, so that the port does not stay
  /// taken for as long as that process lives. Its number stays taken. \see fork(2)
  void let_go_in_child() noexcept;

 private:
  struct SPAWNING_PRIVATE State;
  std::unique_ptr<State> state_;
};

}  // namespace spawning
