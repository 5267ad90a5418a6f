// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Running a Handler on threads that somebody else owns.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "spawning/call_queue.hpp"
#include "spawning/export.hpp"

namespace SPAWNING_EXPORT spawning {

class CallDurations;

/// Queues calls for another Handler and runs them on donated threads: in order of arrival, but that
/// those which are known to be brief do not wait for all that take long. While calls wait, the pool
/// learns how long they take, by the first two segments of their paths. Where some take a millisecond
/// or more, those that take less than a quarter of that overtake them, for up to a quarter of the
/// threads' time.
///
/// Threads are donated by calling run(), as to `io_context::run`: the pool starts none, so that an
/// interpreter or a test decides what a thread is. A busy thread takes the next call without
/// sleeping; a sleeping one is woken only when no thread is on its way already. A call whose client
/// has gone meanwhile, or which has waited for too long, is dropped. \see Exchange::begin
///
/// \par Threads   Every member is safe from any thread.
/// \par Lifetime  As CallQueue; every run() must have returned before the pool is destroyed.
class WorkerPool final : public CallQueue {
 public:
  WorkerPool(Handler& inner, const Log& log);
  ~WorkerPool() override;

  /// Queues the call. Never blocks; allocates only when a queue, of brief calls or of others, grows beyond
  /// its longest so far.
  void handle(Request request, Responder responder) override;

  /// Donates the calling thread until stop(). \see wait(), run_one() for a thread with work of its
  /// own
  void run();

  /// Sleeps until there is probably a call to run. False once the pool is stopped and its queue
  /// empty.
  [[nodiscard]] bool wait();

  /// Runs the queued call whose turn it is on this thread, if there is one. Says whether it did.
  bool run_one();

  /// For a thread that wait() has let go and that may be held up before its run_one(), as by a lock that a
  /// running call keeps: the pool does not count on it any more, and wakes another one that sleeps. Wakes
  /// nobody if no call is queued or another thread is on its way.
  void wake_another();

  /// Lets every wait() and run() return as soon as the queue is empty.
  void stop() override;

  void publish_to(const PoolCounts& counts) override;

  [[nodiscard]] bool saturated() const override;

  /// For whoever brings calls, between one look for them and the next: where some have come since the
  /// last time, several wait for a thread, and they take some time each, blocks until most have been
  /// taken. So calls are brought many at a time, and nobody wakes up for each of them and takes the
  /// processor from a thread that works. Blocks no longer than `most`; or, where calls want more of the
  /// processor than this process gets, than an eighth of the time that those which wait will take,
  /// five milliseconds at the most.
  /// \par Threads  One at a time.
  void wait_for_room(std::chrono::microseconds most = std::chrono::milliseconds{1});

 private:
  // What calls have been like of late.
  struct Look {
    std::chrono::steady_clock::time_point at{};
    std::uint64_t completed = 0;  // calls, by then
    std::chrono::nanoseconds processor_time{};
    bool calls_are_short = true;
    bool calls_want_more = false;  // of the processor than it has
    std::chrono::nanoseconds between_ends{};
  };

  void look();
  void learn_or_not(std::chrono::steady_clock::time_point now);
  void run(Call& call, bool learn);
  void give_back_time(const Call& call);
  [[nodiscard]] std::chrono::microseconds worthwhile_pause() const;  // with the mutex held
  void note_sleeping(std::size_t count);                             // with the mutex held
  [[nodiscard]] bool take_a_sleeper();  // with the mutex held; whether to wake one

  std::condition_variable wake_;
  std::size_t sleeping_ = 0;  // threads in wait() that nobody has woken
  std::size_t wake_ups_ = 0;  // given, and not yet taken by a thread in wait()
  // Threads that will look at the queue soon, as far as we know.
  std::atomic<std::size_t> on_the_way_{0};
  std::condition_variable room_;
  std::optional<std::size_t> awaited_;  // how long the queue is to be, by who waits for room
  Look seen_;
  std::unique_ptr<CallDurations> durations_;
  std::atomic<bool> learning_{false};
  std::chrono::steady_clock::time_point learn_until_{};
  bool came_ = false;  // a call, since somebody has waited for room
  bool stopped_ = false;
  std::optional<RunningPublisher> publisher_;
};

}  // namespace spawning
