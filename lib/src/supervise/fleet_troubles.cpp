// SPDX-License-Identifier: MIT
// What follows from the troubles of workers: they die, leave, cannot load, or take too long.
#include "supervise/fleet.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace spawning {

using namespace action;

void Fleet::trouble(WorkerId worker, Member& member, Trouble trouble, bool mendable) {
  Place* place = place_of(worker, member);
  if (place == nullptr) return;  // killed or drained: nobody counts on it
  // Who serves while others of the first generation load may die of a request; not again and again.
  const bool excused = !current_ && member.state != State::starting && place->deaths == 0;
  const bool incoming = incoming_ && member.generation == incoming_->number && !excused;
  if (incoming) {
    const auto without_any = mendable ? Consequence::wait : Consequence::end;
    actions_.push_back(Report{worker, trouble, current_ ? Consequence::discard : without_any});
    place->member.reset();
  } else if (place->successor == worker && rolling_) {
    place->successor.reset();
    halt(worker, trouble);
  } else if (place->successor == worker) {
    keep(worker, *place, trouble);
  } else {
    retry(worker, member, *place, trouble);
  }
  const bool alive = trouble != Trouble::death && trouble != Trouble::death_before_ready;
  const bool ends_well = member.state == State::serving || trouble == Trouble::leaving;
  if (alive && ends_well) {
    drain(worker, member);
  } else if (alive) {
    kill(worker, member, trouble == Trouble::boot_timeout);
  }
  if (!incoming) return;
  abandon_incoming();
  if (current_ || mendable) return;
  ending_ = true;
  status_ = 1;
}

// The place is empty now, unless a successor is loading already.
void Fleet::retry(WorkerId worker, const Member& member, Place& place, Trouble trouble) {
  forget_deaths_before(member, place);
  const auto delay = backoff(++place.deaths);
  place.member = std::exchange(place.successor, std::nullopt);
  if (place.member) return report(worker, trouble, Consequence::succeed);
  if (member.state == State::starting) ++failed_loads_;
  if (!one_tries()) {
    place.respawn_at = now_ + delay;
    return report(worker, trouble, Consequence::retry, delay);
  }
  if (!load_again_at_ && loading(*current_) == 0) load_again_at_ = now_ + delay;
  const auto empty = [](const Place& each) { return !each.member; };
  const bool alone = std::ranges::count_if(current_->places, empty) == 1;
  report(worker, trouble, alone ? Consequence::retry : Consequence::try_one,
         std::chrono::ceil<std::chrono::milliseconds>(load_again_at_.value_or(now_) - now_));
}

// A single failure may be this worker's own.
bool Fleet::one_tries() const { return failed_loads_ >= 2; }

// The code on disk can be loaded.
void Fleet::expect_loads() {
  failed_loads_ = 0;
  load_again_at_.reset();
}

// A successor will not be: the worker in the place goes on.
void Fleet::keep(WorkerId worker, Place& place, Trouble trouble) {
  Replacement& replacement = replacements_.front();
  // As if the one before had died: the second try is not at once either.
  const auto delay = backoff(++replacement.failures + 1);
  place.successor.reset();
  replacement.retry_at = now_ + delay;
  report(worker, trouble, Consequence::keep, delay);
}

// A generation that rolls in cannot.
void Fleet::halt(WorkerId worker, Trouble trouble) {
  const auto number = rolling_;
  const bool some_serve = std::ranges::any_of(members_, [number](const auto& each) {
    return each.second.generation == number && each.second.state == State::serving;
  });
  report(worker, trouble, some_serve ? Consequence::halt : Consequence::discard);
  abandon_rolling();
}

void Fleet::report(WorkerId worker, Trouble trouble, Consequence consequence,
                   std::chrono::milliseconds delay) {
  const bool load_failure = trouble == Trouble::load_failure;
  const bool repeated = load_failure && std::exchange(load_failure_reported_, true);
  actions_.push_back(Report{worker, trouble, consequence, delay, repeated});
}

// Whoever has served for a while dies for a reason of its own.
void Fleet::forget_deaths_before(const Member& member, Place& place) const {
  if (member.state == State::serving && now_ - member.since >= config_.steady_after)
    place.deaths = 0;
}

}  // namespace spawning
