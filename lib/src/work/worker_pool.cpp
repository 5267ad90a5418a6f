// SPDX-License-Identifier: MIT
#include "spawning/worker_pool.hpp"

#include <utility>

namespace spawning {

WorkerPool::WorkerPool(Handler& inner, const Log& log) : CallQueue{inner, log} {}
WorkerPool::~WorkerPool() = default;

void WorkerPool::handle(Request request, Responder responder) {
  bool wake = false, waits = false;
  {
    const std::lock_guard lock{mutex_};
    push({std::move(request), std::move(responder)});
    wake = take_a_sleeper();
    waits = queue_.size() > sleeping_ + on_the_way_;
  }
  if (wake) wake_.notify_one();  // without the lock, which the woken thread wants first of all
  if (waits && on_wait_) on_wait_();
}

void WorkerPool::note_sleeping(std::size_t count) {
  sleeping_ = count;
  counts().idle->store(count, std::memory_order_relaxed);
}

// One at a time: whoever takes a call wakes the next if more are queued. A wake-up costs more than a
// short call, and a thread that is between two calls needs none.
bool WorkerPool::take_a_sleeper() {
  if (queue_.empty() || on_the_way_ > 0 || sleeping_ == 0) return false;
  note_sleeping(sleeping_ - 1);
  ++wake_ups_;
  ++on_the_way_;
  return true;
}

void WorkerPool::run() {
  while (wait()) {
    while (run_one()) {
    }
  }
}

bool WorkerPool::wait() {
  std::unique_lock lock{mutex_};
  if (!queue_.empty()) return true;
  if (stopped_) return false;
  if (on_the_way_ > 0) --on_the_way_;
  note_sleeping(sleeping_ + 1);
  if (on_idle_) {
    lock.unlock();
    on_idle_();
    lock.lock();
  }
  wake_.wait(lock, [this] { return wake_ups_ > 0 || stopped_; });
  if (wake_ups_ > 0) {
    --wake_ups_;
  } else {
    note_sleeping(sleeping_ - 1);
  }
  return !stopped_ || !queue_.empty();
}

bool WorkerPool::run_one() {
  std::optional<Call> call;
  bool wake = false;
  {
    const std::lock_guard lock{mutex_};
    if (queue_.empty()) return false;
    call.emplace(pop());
    if (on_the_way_ > 0) --on_the_way_;
    wake = take_a_sleeper();
  }
  if (wake) wake_.notify_one();
  if (call->responder.begin()) CallQueue::run(*call, publisher_ ? publisher_->place() : nullptr);
  note_end();
  // Without the lock: a producer that does not see it in time wakes a thread too many, and only a thread
  // that holds the lock ever counts itself out.
  ++on_the_way_;
  return true;
}

void WorkerPool::publish_to(const PoolCounts& counts) {
  CallQueue::publish_to(counts);
  if (counts.requests != nullptr) publisher_.emplace(*counts.requests);
}

void WorkerPool::stop() {
  {
    const std::lock_guard lock{mutex_};
    stopped_ = true;
  }
  wake_.notify_all();
}

bool WorkerPool::saturated() const {
  const std::lock_guard lock{mutex_};
  return queue_.size() >= sleeping_ + on_the_way_;
}

}  // namespace spawning
