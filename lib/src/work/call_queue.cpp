// SPDX-License-Identifier: MIT
#include "spawning/call_queue.hpp"

#include <algorithm>

#include "http/call_handler.hpp"
#include "work/fair_turns.hpp"

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

CallQueue::CallQueue(Handler& inner, const Log& log)
    : turns_{std::make_unique<FairTurns>()}, inner_{inner}, log_{log} {}
CallQueue::~CallQueue() = default;

void CallQueue::publish_to(const PoolCounts& counts) {
  for (auto* count : {counts.running, counts.queued, counts.idle, counts.completed}) *count = 0;
  counts_ = counts;
}

void CallQueue::push(Call call) {
  Ring& ring = call.brief ? brief_ : usual_;
  if (ring.empty()) turns_->arrives(call.brief);
  call.arrival = ++arrivals_;
  ring.push(std::move(call));
  counts_.queued->store(waiting(), std::memory_order_relaxed);
}

// No brief call is overtaken by one that has come later.
CallQueue::Call CallQueue::pop() {
  const bool brief =
      !brief_.empty() && (usual_.empty() || brief_.first().arrival < usual_.first().arrival ||
                          turns_->brief_may_overtake());
  Call call = (brief ? brief_ : usual_).pop();
  turns_->takes(brief, call.expected);
  counts_.queued->store(waiting(), std::memory_order_relaxed);
  counts_.running->fetch_add(1, std::memory_order_relaxed);
  return call;
}

void CallQueue::correct(const Call& call, std::chrono::microseconds took) {
  turns_->correct(call.brief, took - call.expected);
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
  if (none_waits()) return std::nullopt;
  if (usual_.empty() || brief_.empty())
    return (usual_.empty() ? brief_ : usual_).first().request.received;
  return std::min(usual_.first().request.received, brief_.first().request.received);
}

std::vector<Responder> CallQueue::take_back(std::size_t most, const MayGo& may_go) {
  std::vector<Responder> taken;
  taken.reserve(most);
  const std::lock_guard lock{mutex_};
  for (Ring* ring : {&usual_, &brief_}) take_back_from(*ring, most, may_go, taken);
  counts_.queued->store(waiting(), std::memory_order_relaxed);
  return taken;
}

void CallQueue::take_back_from(Ring& ring, std::size_t most, const MayGo& may_go,
                               std::vector<Responder>& taken) {
  for (std::size_t left = ring.size(); left > 0; --left) {
    Call call = ring.pop();
    if (taken.size() < most && may_go(call.request, call.responder)) {
      taken.push_back(std::move(call.responder));
    } else {
      ring.push(std::move(call));  // there is room
    }
  }
}

}  // namespace spawning
