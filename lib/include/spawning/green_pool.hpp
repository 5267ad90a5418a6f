// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Running a Handler in greenlets: many calls at a time on one thread, which an event loop has.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "spawning/call_queue.hpp"
#include "spawning/export.hpp"
#include "spawning/unique_fd.hpp"

namespace SPAWNING_EXPORT spawning {

/// Queues calls for another Handler, and tells an event loop, the hub, when to run them.
///
/// The hub watches fileno(); when that is readable it asks take() how many greenlets to start, and
/// each of them calls run(), once. The Handler may switch to other greenlets while it runs: what this
/// pool keeps is on the heap. At most so many calls run at a time; the others wait, in order of
/// arrival, as in every CallQueue.
///
/// To make a greenlet costs more than a short call. So one whose call has not let others run meanwhile
/// goes on with the next, for a few milliseconds at most; and where calls are like that, take() says 1.
///
/// \par Threads   take() and run(): the hub's. All else is safe from any thread.
/// \par Lifetime  As CallQueue; every run() must have returned before the pool is destroyed.
class GreenPool final : public CallQueue {
 public:
  /// \param most  calls that run at a time, at least 1.
  /// \throws std::system_error if there is no descriptor left.
  GreenPool(Handler& inner, const Log& log, std::size_t most);
  ~GreenPool() override;

  /// Queues the call, and wakes the hub if it does not know yet. Never blocks.
  void handle(Request request, Responder responder) override;

  /// Readable when take() is wanted.
  [[nodiscard]] int fileno() const { return alert_.get(); }

  /// How many greenlets are to be started now, each of which calls run(). Also says that the hub gets
  /// on.
  [[nodiscard]] std::size_t take();

  /// Runs the oldest queued call in this greenlet, if it is still there; and then perhaps others.
  void run();

  /// Whether calls wait or run, or greenlets are about to look for one.
  [[nodiscard]] bool busy() const;

  /// For how long the hub has left an alert alone, and begun no call either. Zero if it gets on.
  [[nodiscard]] std::chrono::steady_clock::duration silent_for(
      std::chrono::steady_clock::time_point now) const;

  /// Alerts the hub although no call waits, so that silent_for() tells whether it gets on.
  void ask_for_a_sign();

  /// Alerts the hub once more: whoever watches fileno() looks whether busy() still holds.
  void stop() override;

  /// True, too, while the hub does not get on: whoever could take a call at once is elsewhere then.
  [[nodiscard]] bool saturated() const override;

  void publish_to(const PoolCounts& counts) override;

 private:
  using Time = std::chrono::steady_clock::time_point;

  [[nodiscard]] bool run_one();  // whether to go on

  // With the mutex held.
  [[nodiscard]] std::size_t wanted() const;
  [[nodiscard]] bool is_full() const { return waiting() + running_ >= most_; }
  [[nodiscard]] std::chrono::steady_clock::duration silence(Time now) const;
  [[nodiscard]] bool want_the_hub();
  void note_alert();
  [[nodiscard]] RunningPlace* take_place();
  void give_back(RunningPlace* place);
  void count_idle();

  void alert() const;

  const std::size_t most_;
  const UniqueFd alert_;      // an eventfd
  std::size_t started_ = 0;   // greenlets of the last take() that have not looked at the queue yet
  std::size_t running_ = 0;   // greenlets with a call
  bool alerted_ = false;      // and the hub has not come yet, or shall come again
  std::uint64_t turns_ = 0;   // of the hub, and of greenlets that begin a call
  std::size_t begun_ = 0;     // calls, since the hub's last turn
  std::size_t prompt_ = 0;    // of these, ended without letting others run
  Time alerted_at_{}, turn_;  // the hub's last sign of life
  RunningRequests* shared_ = nullptr;
  std::vector<std::size_t> places_;  // that are free, the lowest last
};

}  // namespace spawning
