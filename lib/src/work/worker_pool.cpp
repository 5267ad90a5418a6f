// SPDX-License-Identifier: MIT
#include "spawning/worker_pool.hpp"

#include <algorithm>
#include <utility>

#include "http/call_handler.hpp"

namespace spawning {

void WorkerPool::Queue::push(Call call) {
  if (count_ == ring_.size()) grow();
  ring_[(first_ + count_) % ring_.size()].emplace(std::move(call));
  ++count_;
}

WorkerPool::Call WorkerPool::Queue::pop() {
  auto& place = ring_[first_];
  Call call = std::move(*place);
  place.reset();
  first_ = (first_ + 1) % ring_.size();
  --count_;
  return call;
}

void WorkerPool::Queue::grow() {
  std::vector<std::optional<Call>> larger(std::max<std::size_t>(64, ring_.size() * 2));
  for (std::size_t i = 0; i < count_; ++i)
    larger[i] = std::move(ring_[(first_ + i) % ring_.size()]);
  ring_ = std::move(larger);
  first_ = 0;
}

WorkerPool::WorkerPool(Handler& inner, const Log& log) : inner_{inner}, log_{log} {}
WorkerPool::~WorkerPool() = default;

void WorkerPool::handle(Request request, Responder responder) {
  bool wake = false;
  {
    const std::lock_guard lock{mutex_};
    queue_.push({std::move(request), std::move(responder)});
    queued_->store(queue_.size(), std::memory_order_relaxed);
    wake = take_a_sleeper();
  }
  if (wake) wake_.notify_one();  // without the lock, which the woken thread wants first of all
}

// One at a time: whoever takes a call wakes the next if more are queued. A wake-up costs more than a
// short call, and a thread that is between two calls needs none.
bool WorkerPool::take_a_sleeper() {
  if (queue_.empty() || on_the_way_ > 0 || sleeping_ == 0) return false;
  --sleeping_;
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
  ++sleeping_;
  if (on_idle_) {
    lock.unlock();
    on_idle_();
    lock.lock();
  }
  wake_.wait(lock, [this] { return wake_ups_ > 0 || stopped_; });
  if (wake_ups_ > 0) {
    --wake_ups_;
  } else {
    --sleeping_;
  }
  return !stopped_ || !queue_.empty();
}

bool WorkerPool::run_one() {
  std::optional<Call> call;
  bool wake = false;
  {
    const std::lock_guard lock{mutex_};
    if (queue_.empty()) return false;
    call.emplace(queue_.pop());
    queued_->store(queue_.size(), std::memory_order_relaxed);
    running_->fetch_add(1, std::memory_order_relaxed);
    if (on_the_way_ > 0) --on_the_way_;
    wake = take_a_sleeper();
  }
  if (wake) wake_.notify_one();
  if (call->responder.begin())
    call_handler(inner_, call->request, std::move(call->responder), log_);
  // Without the lock: a producer that does not see it in time wakes a thread too many, and only a thread
  // that holds the lock ever counts itself out.
  running_->fetch_sub(1, std::memory_order_relaxed);
  completed_.fetch_add(1, std::memory_order_relaxed);
  ++on_the_way_;
  return true;
}

void WorkerPool::publish_to(std::atomic<std::uint64_t>& running,
                            std::atomic<std::uint64_t>& queued) {
  running = 0;
  queued = 0;
  running_ = &running;
  queued_ = &queued;
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

std::size_t WorkerPool::queued() const { return queued_->load(std::memory_order_relaxed); }

std::size_t WorkerPool::running() const { return running_->load(std::memory_order_relaxed); }

}  // namespace spawning
