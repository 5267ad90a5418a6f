// SPDX-License-Identifier: MIT
#include "spawning/call_queue.hpp"

#include <algorithm>

#include "http/call_handler.hpp"

namespace spawning {

void CallQueue::Ring::push(Call call) {
  if (count_ == ring_.size()) grow();
  ring_[(first_ + count_) % ring_.size()].emplace(std::move(call));
  ++count_;
}

CallQueue::Call CallQueue::Ring::pop() {
  auto& place = ring_[first_];
  Call call = std::move(*place);
  place.reset();
  first_ = (first_ + 1) % ring_.size();
  --count_;
  return call;
}

void CallQueue::Ring::grow() {
  std::vector<std::optional<Call>> larger(std::max<std::size_t>(64, ring_.size() * 2));
  for (std::size_t i = 0; i < count_; ++i)
    larger[i] = std::move(ring_[(first_ + i) % ring_.size()]);
  ring_ = std::move(larger);
  first_ = 0;
}

CallQueue::CallQueue(Handler& inner, const Log& log) : inner_{inner}, log_{log} {}
CallQueue::~CallQueue() = default;

void CallQueue::publish_to(const PoolCounts& counts) {
  for (auto* count : {counts.running, counts.queued, counts.idle, counts.completed}) *count = 0;
  counts_ = counts;
}

void CallQueue::push(Call call) {
  queue_.push(std::move(call));
  counts_.queued->store(queue_.size(), std::memory_order_relaxed);
}

CallQueue::Call CallQueue::pop() {
  Call call = queue_.pop();
  counts_.queued->store(queue_.size(), std::memory_order_relaxed);
  counts_.running->fetch_add(1, std::memory_order_relaxed);
  return call;
}

void CallQueue::run(Call& call, RunningPlace* place) {
  const RunningPublisher::Turn turn{place, call.request};
  call_handler(inner_, call.request, std::move(call.responder), log_);
}

void CallQueue::note_end() const {
  counts_.running->fetch_sub(1, std::memory_order_relaxed);
  counts_.completed->fetch_add(1, std::memory_order_relaxed);
}

std::optional<std::chrono::steady_clock::time_point> CallQueue::waiting_since() const {
  const std::lock_guard lock{mutex_};
  if (queue_.empty()) return std::nullopt;
  return queue_.first().request.received;
}

std::vector<Responder> CallQueue::take_back(std::size_t most, const MayGo& may_go) {
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

}  // namespace spawning
