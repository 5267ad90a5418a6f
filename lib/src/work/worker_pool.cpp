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
  bool wake = false, waits = false;
  {
    const std::lock_guard lock{mutex_};
    queue_.push({std::move(request), std::move(responder)});
    counts_.queued->store(queue_.size(), std::memory_order_relaxed);
    wake = take_a_sleeper();
    waits = queue_.size() > sleeping_ + on_the_way_;
  }
  if (wake) wake_.notify_one();  // without the lock, which the woken thread wants first of all
  if (waits && on_wait_) on_wait_();
}

void WorkerPool::note_sleeping(std::size_t count) {
  sleeping_ = count;
  counts_.idle->store(count, std::memory_order_relaxed);
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
    call.emplace(queue_.pop());
    counts_.queued->store(queue_.size(), std::memory_order_relaxed);
    counts_.running->fetch_add(1, std::memory_order_relaxed);
    if (on_the_way_ > 0) --on_the_way_;
    wake = take_a_sleeper();
  }
  if (wake) wake_.notify_one();
  if (call->responder.begin()) {
    const RunningPublisher::Turn turn{publisher_ ? &*publisher_ : nullptr, call->request};
    call_handler(inner_, call->request, std::move(call->responder), log_);
  }
  // Without the lock: a producer that does not see it in time wakes a thread too many, and only a thread
  // that holds the lock ever counts itself out.
  counts_.running->fetch_sub(1, std::memory_order_relaxed);
  counts_.completed->fetch_add(1, std::memory_order_relaxed);
  ++on_the_way_;
  return true;
}

void WorkerPool::publish_to(const PoolCounts& counts) {
  for (auto* count : {counts.running, counts.queued, counts.idle, counts.completed}) *count = 0;
  counts_ = counts;
  if (counts.requests != nullptr) publisher_.emplace(*counts.requests);
}

std::optional<std::chrono::steady_clock::time_point> WorkerPool::waiting_since() const {
  const std::lock_guard lock{mutex_};
  if (queue_.empty()) return std::nullopt;
  return queue_.first().request.received;
}

std::vector<Responder> WorkerPool::take_back(std::size_t most, const MayGo& may_go) {
  std::vector<Responder> taken;
  taken.reserve(most);
  const std::lock_guard lock{mutex_};
  for (std::size_t left = queue_.size(); left > 0; --left) {
    Call call = queue_.pop();
    if (taken.size() < most && may_go(call.request, call.responder)) {
      taken.push_back(std::move(call.responder));
    } else {
      queue_.push(std::move(call));  // there is room
    }
  }
  counts_.queued->store(queue_.size(), std::memory_order_relaxed);
  return taken;
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

std::size_t WorkerPool::queued() const { return counts_.queued->load(std::memory_order_relaxed); }

std::size_t WorkerPool::running() const { return counts_.running->load(std::memory_order_relaxed); }

}  // namespace spawning
