// SPDX-License-Identifier: MIT
#include "spawning/worker_pool.hpp"

#include <algorithm>
#include <utility>

#include "base/processor_time.hpp"
#include "work/call_durations.hpp"

namespace spawning {
namespace {

// So many calls must wait for a thread before it is worth while to sleep until fewer do.
constexpr std::size_t kSeveral = 4;

// Of shorter ones many come in a turn anyway, and to sleep costs more than it saves.
constexpr std::chrono::microseconds kShortCall{40};

// To find that out: so many of them, or what there was in such a time.
constexpr std::uint64_t kSample = 16;
constexpr std::chrono::milliseconds kSampleTime{10};

// Where calls want more of the processor than there is: such a part of the time that those which
// wait will take.
constexpr int kPartOfTheWait = 8;
constexpr std::chrono::milliseconds kLongestPause{5};

// How long a call that takes long is looked out for once there has been one.
constexpr std::chrono::seconds kLookForLong{1};

}  // namespace

WorkerPool::WorkerPool(Handler& inner, const Log& log)
    : CallQueue{inner, log}, durations_{std::make_unique<CallDurations>()} {}
WorkerPool::~WorkerPool() = default;

void WorkerPool::handle(Request request, Responder responder) {
  bool wake = false, waits = false;
  {
    const std::lock_guard lock{mutex_};
    CallDurations::Expectation expected;
    if (learning_.load(std::memory_order_relaxed))
      expected = durations_->of(CallDurations::route_of(request.path));
    push({std::move(request), std::move(responder), expected.duration, expected.brief});
    came_ = true;
    wake = take_a_sleeper();
    waits = waiting() > sleeping_ + on_the_way_;
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
  if (none_waits() || on_the_way_ > 0 || sleeping_ == 0) return false;
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
  if (!none_waits()) return true;
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
  return !stopped_ || !none_waits();
}

// run_one() will count it out once more. So a thread is woken too many now and then; but when this one has
// come to its lock, another that has been counted may still wait for that.
void WorkerPool::wake_another() {
  bool wake = false;
  {
    const std::lock_guard lock{mutex_};
    if (on_the_way_ > 0) --on_the_way_;
    wake = take_a_sleeper();
  }
  if (wake) wake_.notify_one();
}

bool WorkerPool::run_one() {
  std::optional<Call> call;
  bool wake = false, room = false, learn = false;
  {
    const std::lock_guard lock{mutex_};
    if (none_waits()) return false;
    call.emplace(pop());
    if (on_the_way_ > 0) --on_the_way_;
    wake = take_a_sleeper();
    room = awaited_ && waiting() <= *awaited_;
    if (room) awaited_.reset();
    learn = !none_waits() && learning_.load(std::memory_order_relaxed);
  }
  if (wake) wake_.notify_one();
  if (room) room_.notify_one();
  if (call->responder.begin()) {
    run(*call, learn);
  } else if (learn) {
    give_back_time(*call);
  }
  note_end();
  // Without the lock: a producer that does not see it in time wakes a thread too many, and only a thread
  // that holds the lock ever counts itself out.
  ++on_the_way_;
  return true;
}

// While others wait it matters whose turn it is.
void WorkerPool::run(Call& call, bool learn) {
  RunningPlace* const place = publisher_ ? publisher_->place() : nullptr;
  if (!learn) return CallQueue::run(call, place);
  const auto route = CallDurations::route_of(call.request.path);  // run() empties the call
  const auto began = std::chrono::steady_clock::now();
  CallQueue::run(call, place);
  const auto took = CallDurations::counted(std::chrono::steady_clock::now() - began);
  const std::lock_guard lock{mutex_};
  durations_->note(route, took);
  correct(call, took);
}

// It has been dropped.
void WorkerPool::give_back_time(const Call& call) {
  const std::lock_guard lock{mutex_};
  correct(call, {});
}

void WorkerPool::wait_for_room(std::chrono::microseconds most) {
  look();
  if (seen_.calls_are_short) return;
  std::unique_lock lock{mutex_};
  if (!std::exchange(came_, false)) return;
  if (waiting() < sleeping_ + on_the_way_ + kSeveral || stopped_) return;
  awaited_ = waiting() / 4;
  room_.wait_for(lock, std::max(most, worthwhile_pause()),
                 [this] { return !awaited_ || stopped_; });
  awaited_.reset();
}

// How calls are, as those were that have ended of late.
void WorkerPool::look() {
  const auto now = std::chrono::steady_clock::now();
  const std::uint64_t ended = completed() - seen_.completed;
  const auto passed = now - seen_.at;
  if (ended < kSample && passed < kSampleTime) return;
  const auto used = own_processor_time();
  const bool are_short = passed < kShortCall * ended;
  const bool want_more = (used - seen_.processor_time) * 4 > passed * 3;
  const auto between = passed / std::max<std::int64_t>(1, static_cast<std::int64_t>(ended));
  seen_ = {now, completed(), used, are_short, want_more, between};
  learn_or_not(now);
}

// It costs a short call more than it saves. But calls may be short on average because many overtake
// long ones.
void WorkerPool::learn_or_not(std::chrono::steady_clock::time_point now) {
  if (learning_.load(std::memory_order_relaxed)) {
    const std::lock_guard lock{mutex_};
    if (durations_->seen_long()) learn_until_ = now + kLookForLong;
  }
  learning_.store(!seen_.calls_are_short || now < learn_until_, std::memory_order_relaxed);
}

// What is read later costs nobody time where what waits has to wait for the processor.
std::chrono::microseconds WorkerPool::worthwhile_pause() const {
  if (!seen_.calls_want_more) return {};
  return std::min<std::chrono::microseconds>(
      kLongestPause,
      std::chrono::duration_cast<std::chrono::microseconds>(
          seen_.between_ends * static_cast<std::int64_t>(waiting()) / kPartOfTheWait));
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
  room_.notify_all();
}

bool WorkerPool::saturated() const {
  const std::lock_guard lock{mutex_};
  return waiting() >= sleeping_ + on_the_way_;
}

}  // namespace spawning
