// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Running a Handler on threads that somebody else owns.

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "spawning/handler.hpp"
#include "spawning/log.hpp"
#include "spawning/running_requests.hpp"

namespace spawning {

/// Where a WorkerPool keeps its counts, and lists what it runs, for whoever watches from outside (a
/// Scoreboard).
struct PoolCounts {
  std::atomic<std::uint64_t>* running;    ///< a gauge: calls that a thread is running
  std::atomic<std::uint64_t>* queued;     ///< a gauge: calls that wait for a thread
  std::atomic<std::uint64_t>* idle;       ///< a gauge: threads that wait for a call
  std::atomic<std::uint64_t>* completed;  ///< calls that have ended
  /// The requests of the calls that are running, each until its thread is free again, also when it has
  /// been answered before. nullptr: they are not listed.
  RunningRequests* requests = nullptr;
};

/// Queues calls for another Handler and runs them, in order of arrival, on donated threads.
///
/// Threads are donated by calling run(), as to `io_context::run`: the pool starts none, so that an
/// interpreter or a test decides what a thread is. A busy thread takes the next call without
/// sleeping; a sleeping one is woken only when no thread is on its way already. A call whose client
/// has gone meanwhile, or which has waited for too long, is dropped. \see Exchange::begin
///
/// \par Threads   Every member is safe from any thread.
/// \par Lifetime  `inner` and `log` outlive the pool; every run() must have returned before the
///                pool is destroyed. Calls still queued then are answered 500 by their Responders.
class WorkerPool : public Handler {
 public:
  WorkerPool(Handler& inner, const Log& log);
  ~WorkerPool() override;

  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Queues the call. Never blocks; allocates only when the queue grows beyond its longest so far.
  void handle(Request request, Responder responder) override;

  /// Donates the calling thread until stop(). \see wait(), run_one() for a thread with work of its
  /// own
  void run();

  /// Sleeps until there is probably a call to run. False once the pool is stopped and its queue
  /// empty.
  [[nodiscard]] bool wait();

  /// Runs the oldest queued call on this thread, if there is one. Says whether it did.
  bool run_one();

  /// Lets every wait() and run() return as soon as the queue is empty.
  void stop();

  /// Keeps its counts there, from zero on, and its requests. They outlive the pool. Set it before the
  /// first call and the first thread.
  void publish_to(const PoolCounts& counts);

  /// Called, on the thread concerned, whenever a thread has nothing to do and is about to sleep;
  /// saturated() is false by then. Set it before the first thread is donated.
  void on_idle(std::function<void()> callback) { on_idle_ = std::move(callback); }

  /// Called by handle() whenever a call has to wait because every thread is busy. Set it before the
  /// first call.
  void on_wait(std::function<void()> callback) { on_wait_ = std::move(callback); }

  /// Since when the oldest of the calls has waited that no thread has taken.
  [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> waiting_since() const;

  /// Which waiting calls may go. Called with the pool locked.
  using MayGo = std::function<bool(const Request&, const Responder&)>;

  /// Takes waiting calls out of the queue, the oldest first and at most `most`. The others keep
  /// their order. Takes as long as it takes to look at all of them.
  [[nodiscard]] std::vector<Responder> take_back(std::size_t most, const MayGo& may_go);

  /// Whether a call queued now would have to wait for a thread.
  [[nodiscard]] bool saturated() const;

  [[nodiscard]] std::size_t queued() const;   ///< calls that wait for a thread
  [[nodiscard]] std::size_t running() const;  ///< calls that a thread is running

  /// Calls that have ended so far.
  [[nodiscard]] std::uint64_t completed() const {
    return counts_.completed->load(std::memory_order_relaxed);
  }

 private:
  struct Call {
    Request request;
    Responder responder;
  };

  // A ring of calls that grows and never shrinks: std::deque allocates a block every few calls.
  class Queue {
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

  void note_sleeping(std::size_t count);  // with the mutex held
  [[nodiscard]] bool take_a_sleeper();    // with the mutex held; whether to wake one

  Handler& inner_;
  const Log& log_;
  std::function<void()> on_idle_, on_wait_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Queue queue_;
  std::size_t sleeping_ = 0;  // threads in wait() that nobody has woken
  std::size_t wake_ups_ = 0;  // given, and not yet taken by a thread in wait()
  // Threads that will look at the queue soon, as far as we know.
  std::atomic<std::size_t> on_the_way_{0};
  bool stopped_ = false;
  std::array<std::atomic<std::uint64_t>, 4> own_counts_{};
  PoolCounts counts_{&own_counts_[0], &own_counts_[1], &own_counts_[2], &own_counts_[3]};
  std::optional<RunningPublisher> publisher_;
};

}  // namespace spawning
