// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// A worker process from the inside.

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spawning/config.hpp"
#include "spawning/exchange.hpp"
#include "spawning/export.hpp"
#include "spawning/green_pool.hpp"
#include "spawning/handler.hpp"
#include "spawning/log_format.hpp"
#include "spawning/seat.hpp"
#include "spawning/unique_fd.hpp"

namespace SPAWNING_EXPORT spawning {

/// What a worker reports when its application cannot be loaded.
struct LoadFailure {
  std::string summary;             ///< one line: "ModuleNotFoundError: No module named 'shop'"
  std::string traceback;           ///< for people, several lines; may be empty
  std::vector<std::string> files;  ///< whose change may mend it
};

/// How requests run in greenlets.
struct GreenOptions {
  std::size_t most = 1000;  ///< at a time
  /// For the hub to give a sign of life while requests run; zero: any time.
  std::chrono::milliseconds stall{1000};
};

/// One serving process of a supervised service: talks to the supervisor and serves HTTP on an I/O
/// thread of its own, so that the supervisor's messages and its death are seen while the
/// application loads or blocks.
///
/// The order of calls: construct, settings(), load the application, then ready() or failed();
/// donate threads; wait for the end (finished_fd() is readable, wait() returns); destroy.
///
/// It logs to standard error, as the seat says.
///
/// If the supervisor dies or says so the worker drains: it stops accepting, finishes its requests,
/// ends.
///
/// \par Threads  Safe from any thread, in the order above.
class Worker {
 public:
  explicit Worker(Seat seat);
  /// Stops the I/O thread; connections that are left are closed.
  ~Worker();

  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Waits for the service's settings: JSON that the supervisor passes on and does not read.
  /// Empty if the worker is to end before any came.
  [[nodiscard]] std::string settings();

  /// Sees requests that run for longer than RequestTimeouts::request, on the I/O thread, once each:
  /// for who can say more about the thread. The worker has logged the request and asked to be
  /// replaced. Set it before ready().
  void on_overdue(std::function<void(const OverdueRequest&)> observer);

  /// Sees, on the I/O thread, that the hub of greenlets has given no sign of life for so long, once each
  /// time that it exceeds GreenOptions::stall. Set it before ready().
  void on_hub_stall(std::function<void(std::chrono::steady_clock::duration)> observer);

  /// The supervisor is about to kill this process, because it takes too long to load or to stop: for
  /// who can say what its threads do. Called on the I/O thread, perhaps while nobody else can run;
  /// the requests that run have been logged. The process is killed when it returns, or a second
  /// later.
  void on_last_words(std::function<void()> speaker);

  /// Writes a line about every exchange, to the file that the supervisor has opened for that, also
  /// when it opens another one; if it has opened none, to standard output. Before ready(); without
  /// it there is no access log.
  void log_accesses(LogFormat format);

  /// The application is loaded: requests will be queued for `application`, which runs on the
  /// threads that call run(), or in greenlets. Tells the supervisor; accepting starts when it says so.
  /// \param greenlets  if it is there requests run in those of green(); else on threads.
  void ready(Handler& application, HttpConfig config = {},
             std::optional<GreenOptions> greenlets = std::nullopt);

  /// The application cannot be loaded. Tells the supervisor, and returns when it knows.
  void failed(const LoadFailure& failure);

  /// The application was loaded from these files, too: the supervisor may reload when one changes.
  /// Any time from settings() on; what has been reported need not be again.
  void report_modules(std::vector<std::string> files);

  /// \name Donating threads, after ready(). \see WorkerPool
  /// @{
  void run();
  [[nodiscard]] bool wait_for_call();
  bool run_one();
  void wake_another();
  /// @}

  /// After ready() with greenlets: what their hub is to serve. Else nullptr. Owned by the Worker.
  [[nodiscard]] GreenPool* green() const;

  /// \name At the console, a socket beside those for HTTP that workers share while they serve: for
  /// one thread of the application's own, which has returned before *this is destroyed.
  /// \see SupervisorConfig::console
  /// @{
  /// Waits until somebody may be there. False: nobody is let in here any more, or there is no console.
  [[nodiscard]] bool wait_at_console();
  /// Who is there, as a blocking socket; empty if a sibling was faster.
  [[nodiscard]] UniqueFd accept_at_console();
  /// @}

  /// Stops accepting and finishes what is running, as when the supervisor says so: once it has, because
  /// only then nothing of what it deals out is on its way here.
  void drain();

  /// Becomes readable when the worker has nothing left to do. Owned by the Worker.
  [[nodiscard]] int finished_fd() const;

  /// Waits until then.
  void wait();

  /// How long this process may still take to end until the supervisor kills it. nullopt: it does not,
  /// or this worker has something left to do.
  [[nodiscard]] std::optional<std::chrono::steady_clock::duration> time_left() const;

  [[nodiscard]] unsigned slot() const;
  [[nodiscard]] std::uint64_t generation() const;

 private:
  struct SPAWNING_PRIVATE State;
  std::unique_ptr<State> state_;
};

}  // namespace spawning
