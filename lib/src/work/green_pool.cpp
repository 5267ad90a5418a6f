// SPDX-License-Identifier: MIT
#include "spawning/green_pool.hpp"

#include <sys/eventfd.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "spawning/error.hpp"

namespace spawning {
namespace {

using std::chrono::steady_clock;

// A hub that takes longer to come computes: what arrives is better off with a sibling.
constexpr std::chrono::milliseconds kPatience{10};

// One greenlet goes on for so long while all others wait.
constexpr std::chrono::milliseconds kInARow{5};

}  // namespace

GreenPool::GreenPool(Handler& inner, const Log& log, std::size_t most)
    : CallQueue{inner, log}, most_{most}, alert_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {
  if (!alert_) throw_last_error("eventfd");
}

GreenPool::~GreenPool() = default;

void GreenPool::publish_to(const PoolCounts& counts) {
  CallQueue::publish_to(counts);
  count_idle();
  shared_ = counts.requests;
  if (shared_ == nullptr) return;
  const std::size_t places = std::min(most_, RunningRequests::kMost);
  for (std::size_t i = places; i > 0; --i) places_.push_back(i - 1);
}

void GreenPool::handle(Request request, Responder responder) {
  bool wake = false, waits = false;
  {
    const std::lock_guard lock{mutex_};
    waits = is_full();
    push({std::move(request), std::move(responder)});
    wake = want_the_hub();
  }
  if (wake) alert();
  if (waits && on_wait_) on_wait_();
}

std::size_t GreenPool::wanted() const {
  const std::size_t could_run = std::min(waiting(), most_ - running_);
  return could_run - std::min(could_run, started_);
}

bool GreenPool::want_the_hub() {
  if (alerted_ || wanted() == 0) return false;
  note_alert();
  count_idle();
  return true;
}

void GreenPool::note_alert() {
  alerted_ = true;
  alerted_at_ = steady_clock::now();
}

void GreenPool::ask_for_a_sign() {
  {
    const std::lock_guard lock{mutex_};
    if (!alerted_) note_alert();
  }
  alert();  // once more, if need be: somebody else may have read the last one
}

void GreenPool::alert() const {
  // It fails only where the counter is full, that is, where the hub is alerted already.
  static_cast<void>(::eventfd_write(alert_.get(), 1));
}

std::size_t GreenPool::take() {
  std::size_t count = 0;
  bool idle = false;
  {
    const std::lock_guard lock{mutex_};
    ++turns_;
    turn_ = steady_clock::now();
    started_ =
        0;  // those of the turn before have looked, or were ended by somebody before they could
    const bool others_wait = begun_ > prompt_;
    count = others_wait ? wanted() : std::min<std::size_t>(wanted(), 1);
    begun_ = prompt_ = 0;
    started_ = count;
    alerted_ = wanted() > 0;  // and the descriptor stays readable
    eventfd_t ignored = 0;
    if (!alerted_) static_cast<void>(::eventfd_read(alert_.get(), &ignored));
    count_idle();
    idle = !is_full();
  }
  if (idle && on_idle_) on_idle_();
  return count;
}

void GreenPool::run() {
  {
    const std::lock_guard lock{mutex_};
    if (started_ > 0) --started_;
  }
  const Time enough = steady_clock::now() + kInARow;
  while (run_one() && steady_clock::now() < enough) {
  }
  bool wake = false;
  {
    const std::lock_guard lock{mutex_};
    wake = want_the_hub();
    count_idle();
  }
  if (wake) alert();
}

bool GreenPool::run_one() {
  std::optional<Call> call;
  RunningPlace* place = nullptr;
  std::uint64_t turn = 0;
  {
    const std::lock_guard lock{mutex_};
    if (none_waits() || running_ >= most_) return false;
    call.emplace(pop());
    turn = ++turns_;
    turn_ = steady_clock::now();
    ++begun_;
    ++running_;
    place = take_place();
  }
  if (call->responder.begin()) CallQueue::run(*call, place);
  note_end();
  bool prompt = false, idle = false;
  {
    const std::lock_guard lock{mutex_};
    --running_;
    give_back(place);
    prompt = turns_ == turn;
    if (prompt) ++prompt_;
    count_idle();
    idle = !is_full();
  }
  if (idle && on_idle_) on_idle_();
  return prompt;
}

RunningPlace* GreenPool::take_place() {
  if (places_.empty()) return nullptr;
  const std::size_t index = places_.back();
  places_.pop_back();
  return &shared_->claim(index);
}

void GreenPool::give_back(RunningPlace* place) {
  if (place == nullptr) return;
  const auto index = static_cast<std::size_t>(place - shared_->places.data());
  const auto at = std::lower_bound(places_.begin(), places_.end(), index, std::greater<>{});
  places_.insert(at, index);
}

// While calls wait nobody is to spare, however few greenlets there are: the hub does not get on.
void GreenPool::count_idle() {
  const std::size_t used = std::min(most_, running_ + started_);
  counts().idle->store(none_waits() ? most_ - used : 0, std::memory_order_relaxed);
}

bool GreenPool::busy() const {
  const std::lock_guard lock{mutex_};
  return !none_waits() || started_ > 0 || running_ > 0;
}

steady_clock::duration GreenPool::silence(Time now) const {
  if (!alerted_) return {};
  return std::max(now - std::max(alerted_at_, turn_), steady_clock::duration{});
}

steady_clock::duration GreenPool::silent_for(Time now) const {
  const std::lock_guard lock{mutex_};
  return silence(now);
}

bool GreenPool::saturated() const {
  const std::lock_guard lock{mutex_};
  return is_full() || (alerted_ && silence(steady_clock::now()) > kPatience);
}

void GreenPool::stop() { alert(); }

}  // namespace spawning
