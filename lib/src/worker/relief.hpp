// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// A worker leaves to its siblings what they can do sooner.

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

#include "spawning/asio.hpp"
#include "spawning/call_queue.hpp"
#include "spawning/server.hpp"
#include "worker/siblings.hpp"

namespace spawning {

/// Passes requests on that wait for a thread while a sibling has one to spare, and lets connections
/// go of which there are far more here than elsewhere.
///
/// A request goes only after it has waited for kPatience, or a little longer where the I/O thread
/// pauses (\see WorkerPool::wait_for_room), of which to move it takes a small part:
/// queues of short requests are not touched. While no request has to wait nothing is done, and no
/// timer runs.
///
/// \par Threads   I/O thread.
/// \par Lifetime  `pool` and what `siblings` refers to outlive it. It is stopped before the context
///                ends, and destroyed after that.
class Relief {
 public:
  Relief(IoContext& io, CallQueue& pool, Siblings siblings)
      : pool_{pool}, siblings_{std::move(siblings)}, timer_{io} {}

  static constexpr std::chrono::milliseconds kPatience{5};

  /// A request has to wait. \see CallQueue::on_wait
  void request_waits();

  /// To be called a few times a second, while there are connections.
  void look_around(Server& server);

  /// Whether nobody accepts connections beside this worker.
  [[nodiscard]] bool alone() const { return siblings_.none_accepts(); }

  /// Does nothing from here on, so that the context can come to an end.
  void stop();

  /// The slots of those to whom what leaves now had better go.
  [[nodiscard]] const std::vector<unsigned>& takers() const { return takers_; }

 private:
  using Time = std::chrono::steady_clock::time_point;

  void look_at(Time when);
  void look();
  [[nodiscard]] bool pass_on(const Siblings::Free& free, bool stuck, Time waiting_since);

  CallQueue& pool_;
  Siblings siblings_;
  boost::asio::steady_timer timer_;
  std::chrono::milliseconds pause_ = kPatience;
  std::uint64_t completed_ = 0;  // calls, at the last look
  bool looking_ = false;         // the timer runs
  bool stopped_ = false;
  std::vector<unsigned> takers_;
};

}  // namespace spawning
