// SPDX-License-Identifier: MIT
#include "supervise/fleet.hpp"

#include <algorithm>
#include <utility>

namespace spawning {

using namespace action;

Fleet::Fleet(FleetConfig config) : config_{config}, slot_taken_(config.slots) {}

// Every event: note the time, do what it says, draw the conclusions, hand the actions out.
template <typename Event>
Actions Fleet::on(Time now, Event event) {
  now_ = now;
  event();
  settle();
  return std::exchange(actions_, {});
}

Actions Fleet::start(Time now) {
  return on(now, [this] { begin_generation(); });
}

Actions Fleet::ready(WorkerId worker, Time now) {
  return on(now, [this, worker] {
    Member* member = find(worker);
    if (member == nullptr || member->state != State::starting) return;
    load_failure_reported_ = false;
    set_state(*member, State::ready);
    if (current_ && current_->number == member->generation) {
      set_state(*member, State::serving);
      actions_.push_back(Serve{worker});
    }
  });
}

Actions Fleet::failed(WorkerId worker, Time now) {
  return on(now, [this, worker] {
    Member* member = find(worker);
    if (member != nullptr && member->state == State::starting)
      trouble(worker, *member, Trouble::load_failure);
  });
}

Actions Fleet::hung_up(WorkerId worker, Time now) {
  return on(now, [this, worker] {
    Member* member = find(worker);
    if (member == nullptr || member->state == State::draining || member->state == State::killed)
      return;
    // Most often it is about to exit, or takes this for its supervisor's death and drains by
    // itself.
    member->deadline = now_ + config_.deadman;
  });
}

Actions Fleet::exited(WorkerId worker, Time now) {
  return on(now, [this, worker] {
    Member* member = find(worker);
    if (member == nullptr) return;
    const bool ready = member->state != State::starting;
    if (place_of(worker, *member) != nullptr) {
      trouble(worker, *member, ready ? Trouble::death : Trouble::death_before_ready);
    }
    slot_taken_[member->slot] = false;
    members_.erase(worker);
  });
}

Actions Fleet::reload(Time now) {
  return on(now, [this] {
    if (ending_) return;
    if (incoming_) abandon_incoming();
    begin_generation();
  });
}

Actions Fleet::scale(int change, Time now) {
  return on(now, [this, change] {
    if (ending_) return;
    const long most = std::max(1U, config_.slots / 2);
    config_.processes =
        static_cast<unsigned>(std::clamp<long>(long{config_.processes} + change, 1, most));
    if (current_) resize(*current_);
    if (incoming_) resize(*incoming_);
  });
}

Actions Fleet::stop(Time now) {
  if (ending_) return stop_now(now);
  return on(now, [this] {
    ending_ = true;
    if (incoming_) abandon_incoming();
    if (current_) dismiss(*current_);
    current_.reset();
  });
}

Actions Fleet::stop_now(Time now) {
  return on(now, [this] {
    ending_ = true;
    current_.reset();
    incoming_.reset();
    for (auto& [worker, member] : members_) kill(worker, member, false);
  });
}

Actions Fleet::tick(Time now) {
  return on(now, [this] {
    std::vector<WorkerId> overdue;
    for (const auto& [worker, member] : members_) {
      if (member.deadline && *member.deadline <= now_) overdue.push_back(worker);
    }
    for (WorkerId worker : overdue) {
      Member& member = *find(worker);
      if (member.state == State::starting) {
        trouble(worker, member, Trouble::boot_timeout);
      } else {
        kill(worker, member, true);  // nothing, if it was killed with its generation a moment ago
      }
    }
  });
}

std::optional<Fleet::Time> Fleet::next_deadline() const {
  std::optional<Time> next;
  const auto consider = [&next](const std::optional<Time>& time) {
    if (time && (!next || *time < *next)) next = time;
  };
  for (const auto& [worker, member] : members_) consider(member.deadline);
  for (const auto* generation : {&current_, &incoming_}) {
    if (!*generation) continue;
    for (const Place& place : (*generation)->places) consider(place.respawn_at);
  }
  return next;
}

Fleet::Member* Fleet::find(WorkerId worker) {
  const auto found = members_.find(worker);
  return found == members_.end() ? nullptr : &found->second;
}

Fleet::Place* Fleet::place_of(WorkerId worker, const Member& member) {
  for (auto* generation : {&current_, &incoming_}) {
    if (!*generation || (*generation)->number != member.generation) continue;
    if (member.place >= (*generation)->places.size()) continue;
    Place& place = (*generation)->places[member.place];
    if (place.member == worker) return &place;
  }
  return nullptr;
}

void Fleet::set_state(Member& member, State state) {
  member.state = state;
  member.since = now_;
  member.deadline.reset();
}

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

void Fleet::settle() {
  if (!ending_) {
    const auto is_ready = [this](const Place& place) {
      return place.member && find(*place.member)->state == State::ready;
    };
    if (incoming_ && std::ranges::all_of(incoming_->places, is_ready)) promote();
    if (current_) fill(*current_);
    if (incoming_) fill(*incoming_);
  } else if (members_.empty() && !finished_) {
    finished_ = true;
    actions_.push_back(Finish{status_});
  }
}

std::chrono::milliseconds Fleet::backoff(unsigned deaths) const {
  if (deaths <= 1) return std::chrono::milliseconds{0};
  auto delay = config_.first_backoff;
  for (unsigned death = 2; death < deaths && delay < config_.longest_backoff; ++death) delay *= 2;
  return std::min(delay, config_.longest_backoff);
}

}  // namespace spawning
