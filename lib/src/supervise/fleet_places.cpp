// SPDX-License-Identifier: MIT
// Who has a place in the Fleet: generations, and what follows from the troubles of their workers.
#include "supervise/fleet.hpp"

#include <algorithm>
#include <utility>

namespace spawning {

using namespace action;

void Fleet::begin_generation() {
  incoming_ = Generation{++generations_, std::vector<Place>(config_.processes)};
}

// The incoming generation serves from here on.
void Fleet::promote() {
  for (const Place& place : incoming_->places) {
    set_state(*find(*place.member), State::serving);
    actions_.push_back(Serve{*place.member});
  }
  if (current_) dismiss(*current_);
  current_ = std::exchange(incoming_, std::nullopt);
  actions_.push_back(Serving{current_->number});
}

void Fleet::trouble(WorkerId worker, Member& member, Trouble trouble) {
  Place* place = place_of(worker, member);
  if (place == nullptr) return;  // killed or drained: nobody counts on it
  if (current_ && member.generation == current_->number)
    return retry(worker, member, *place, trouble);
  actions_.push_back(Report{worker, trouble, current_ ? Consequence::discard : Consequence::end});
  place->member.reset();
  const bool alive = trouble == Trouble::load_failure || trouble == Trouble::boot_timeout;
  if (alive) kill(worker, member, false);
  abandon_incoming();
  if (current_) return;
  ending_ = true;
  status_ = 1;
}

void Fleet::retry(WorkerId worker, Member& member, Place& place, Trouble trouble) {
  const bool alive = trouble == Trouble::load_failure || trouble == Trouble::boot_timeout;
  if (member.state == State::serving && now_ - member.since >= config_.steady_after)
    place.deaths = 0;
  const auto delay = backoff(++place.deaths);
  place.member.reset();
  place.respawn_at = now_ + delay;
  const bool load_failure = trouble == Trouble::load_failure;
  const bool repeated = load_failure && std::exchange(load_failure_reported_, true);
  actions_.push_back(Report{worker, trouble, Consequence::retry, delay, repeated});
  if (alive) kill(worker, member, false);
}

void Fleet::abandon_incoming() {
  dismiss(*incoming_);
  incoming_.reset();
}

void Fleet::dismiss(Generation& generation) {
  for (Place& place : generation.places) dismiss(place);
}

// Takes the place's worker out of service: gently if it serves, at once if it does not.
void Fleet::dismiss(Place& place) {
  const auto worker = std::exchange(place.member, std::nullopt);
  if (!worker) return;
  Member& member = *find(*worker);
  if (member.state == State::serving) {
    drain(*worker, member);
  } else {
    kill(*worker, member, false);
  }
}

void Fleet::resize(Generation& generation) {
  while (generation.places.size() > config_.processes) {
    dismiss(generation.places.back());
    generation.places.pop_back();
  }
  generation.places.resize(config_.processes);
}

void Fleet::drain(WorkerId worker, Member& member) {
  set_state(member, State::draining);
  member.deadline = now_ + config_.deadman;
  actions_.push_back(Drain{worker, config_.deadman});
}

void Fleet::kill(WorkerId worker, Member& member, bool overdue) {
  if (member.state == State::killed) return;
  set_state(member, State::killed);
  actions_.push_back(Kill{worker, overdue});
}

void Fleet::fill(Generation& generation) {
  for (std::size_t index = 0; index < generation.places.size(); ++index) {
    Place& place = generation.places[index];
    if (place.member || (place.respawn_at && *place.respawn_at > now_)) continue;
    place.respawn_at.reset();
    const auto slot = take_slot();
    if (!slot) continue;  // the next exit frees one
    place.member = ++last_worker_;
    members_[last_worker_] = {*slot, generation.number,          index, State::starting,
                              now_,  now_ + config_.boot_timeout};
    actions_.push_back(Spawn{last_worker_, *slot, generation.number});
  }
}

std::optional<unsigned> Fleet::take_slot() {
  const auto free = std::ranges::find(slot_taken_, false);
  if (free == slot_taken_.end()) return std::nullopt;
  *free = true;
  return static_cast<unsigned>(free - slot_taken_.begin());
}

}  // namespace spawning
