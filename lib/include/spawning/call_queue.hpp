// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Calls of a Handler that wait for somebody to run them.

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "spawning/export.hpp"
#include "spawning/handler.hpp"
#include "spawning/log.hpp"
#include "spawning/running_requests.hpp"

namespace SPAWNING_EXPORT spawning {

class FairTurns;

/// Where a CallQueue keeps its counts, and lists what is run, for whoever watches from outside (a
/// Scoreboard).
struct PoolCounts {
  std::atomic<std::uint64_t>* running;  ///< a gauge: calls that are being run
  std::atomic<std::uint64_t>* queued;   ///< a gauge: calls that wait for that
  /// A gauge: calls that could be run at once, such as there are threads that wait for one.
  std::atomic<std::uint64_t>* idle;
  std::atomic<std::uint64_t>* completed;  ///< calls that have ended
  /// The requests of the calls that are running, each until its thread or greenlet is free again, also
  /// when it has been answered before. nullptr: they are not listed.
  RunningRequests* requests = nullptr;
};

/// Queues calls for another Handler: what all have in common who run them.
/// \see WorkerPool, GreenPool
///
/// \par Threads   Every member is safe from any thread.
/// \par Lifetime  `inner` and `log` outlive it. Calls still queued when it ends are answered 500 by
///                their Responders.
class CallQueue : public Handler {
 public:
  ~CallQueue() override;

  CallQueue(const CallQueue&) = delete;
  CallQueue& operator=(const CallQueue&) = delete;

  /// Lets whoever runs calls come to an end once the queue is empty.
  virtual void stop() = 0;

  /// Whether a call queued now would have to wait.
  [[nodiscard]] virtual bool saturated() const = 0;

  /// Keeps its counts there, from zero on, and its requests. They outlive the queue. Set it before the
  /// first call and before anybody runs one.
  virtual void publish_to(const PoolCounts& counts);

  /// Called, on the thread concerned, whenever there is somebody again who could run a call, and none
  /// to run; saturated() is false by then. Set it before the first call is run.
  void on_idle(std::function<void()> callback) { on_idle_ = std::move(callback); }

  /// Called by handle() whenever a call has to wait because everybody is busy. Set it before the first
  /// call.
  void on_wait(std::function<void()> callback) { on_wait_ = std::move(callback); }

  /// Since when the oldest of the calls has waited that nobody has taken.
  [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> waiting_since() const;

  /// Which waiting calls may go. Called with the queue locked.
  using MayGo = std::function<bool(const Request&, const Responder&)>;

  /// Takes waiting calls out of the queue, the oldest first, brief ones last, and at most `most`. The
  /// others keep their order. Takes as long as it takes to look at all of them.
  [[nodiscard]] std::vector<Responder> take_back(std::size_t most, const MayGo& may_go);

  [[nodiscard]] std::size_t queued() const {  ///< calls that wait to be run
    return counts_.queued->load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::size_t running() const {  ///< calls that are being run
    return counts_.running->load(std::memory_order_relaxed);
  }

  /// Calls that have ended so far.
  [[nodiscard]] std::uint64_t completed() const {
    return counts_.completed->load(std::memory_order_relaxed);
  }

 protected:
  struct Call {
    Request request;
    Responder responder;
    /// How long it will take; zero if nobody cares.
    std::chrono::microseconds expected{};
    /// It may overtake calls that are not.
    bool brief = false;
    std::uint64_t arrival = 0;  ///< counts them
  };

  // A ring of calls that grows and never shrinks: std::deque allocates a block every few calls.
  class Ring {
   public:
    [[nodiscard]] bool empty() const { return count_ == 0; }
    [[nodiscard]] std::size_t size() const { return count_; }
    [[nodiscard]] const Call& first() const { return *ring_[first_]; }
    void push(Call call);
    [[nodiscard]] Call pop();

   private:
    void grow();

    std::vector<std::optional<Call>> ring_;
    std::size_t first_ = 0;
    std::size_t count_ = 0;
  };

  CallQueue(Handler& inner, const Log& log);

  // With the mutex held, and counted. In order of arrival, but that brief calls overtake others for up
  // to a quarter of the time that calls take.
  void push(Call call);
  [[nodiscard]] Call pop();
  /// A call that has been popped took so long, whatever was expected.
  void correct(const Call& call, std::chrono::microseconds took);
  [[nodiscard]] std::size_t waiting() const { return usual_.size() + brief_.size(); }
  [[nodiscard]] bool none_waits() const { return waiting() == 0; }

  /// Runs a call that has begun, on this thread, and empties it. \param place  where it is listed, or nullptr.
  /// \see Responder::begin
  void run(Call& call, RunningPlace* place);
  /// A call that has been popped has ended, whether it has been run or not.
  void note_end() const;

  mutable std::mutex mutex_;
  std::function<void()> on_idle_, on_wait_;

  [[nodiscard]] const PoolCounts& counts() const { return counts_; }

 private:
  void take_back_from(Ring& ring, std::size_t most, const MayGo& may_go,
                      std::vector<Responder>& taken);

  std::uint64_t arrivals_ = 0;
  Ring usual_, brief_;
  std::unique_ptr<FairTurns> turns_;  // between the two
  Handler& inner_;
  const Log& log_;
  std::array<std::atomic<std::uint64_t>, 4> own_counts_{};
  PoolCounts counts_{&own_counts_[0], &own_counts_[1], &own_counts_[2], &own_counts_[3]};
};

}  // namespace spawning
