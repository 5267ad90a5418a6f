// SPDX-License-Identifier: MIT
// Who has a place in the Fleet: generations, replacements, and how places are filled and left.
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
    Member& member = *find(*place.member);
    if (member.state == State::ready) serve(*place.member, member, false);
  }
  if (current_) dismiss(*current_);
  current_ = std::exchange(incoming_, std::nullopt);
  expect_loads();
  actions_.push_back(Serving{current_->number});
}

bool Fleet::rolls() const {
  return current_ && config_.surge > 0 && config_.surge < config_.processes;
}

// Whether the worker in it is to be succeeded by one of the generation that rolls in.
bool Fleet::is_old(const Place& place) const {
  return place.member && members_.at(*place.member).generation != rolling_;
}

// Starts the next successors of a reload with little surge, or ends it.
void Fleet::advance_rolling() {
  if (!rolling_) return;
  auto& places = current_->places;
  auto loading =
      std::ranges::count_if(places, [](const Place& each) { return each.successor.has_value(); });
  for (std::size_t index = 0; index < places.size() && loading < config_.surge; ++index) {
    if (!is_old(places[index]) || places[index].successor) continue;
    places[index].successor = spawn(*rolling_, index);
    ++loading;
  }
  const auto serves = [this](const Place& each) {
    return each.member && !is_old(each) && find(*each.member)->state == State::serving;
  };
  if (!std::ranges::all_of(places, serves)) return;
  current_->number = *std::exchange(rolling_, std::nullopt);
  actions_.push_back(Serving{current_->number});
}

// Who of the new generation serves already goes on.
void Fleet::abandon_rolling() {
  if (!std::exchange(rolling_, std::nullopt)) return;
  for (Place& place : current_->places) dismiss(place.successor);
}

void Fleet::abandon_reload() {
  if (incoming_) abandon_incoming();
  abandon_rolling();
}

// Nobody is to serve any more.
void Fleet::end() {
  ending_ = true;
  drain_at_.reset();
  if (current_) dismiss(*current_);
  current_.reset();
}

void Fleet::serve(WorkerId worker, Member& member, bool successor) {
  set_state(member, State::serving);
  member.due = due_time(member, successor);
  actions_.push_back(Serve{worker});
  if (drain_at_) actions_.push_back(AnnounceClose{worker});
}

std::optional<Fleet::Time> Fleet::due_time(const Member& member, bool successor) const {
  if (config_.max_age.count() == 0) return std::nullopt;
  const auto spread = config_.max_age / 4;
  const auto places = static_cast<std::int64_t>(config_.processes);
  const auto earlier = spread * static_cast<std::int64_t>(member.place) / places;
  return now_ + config_.max_age - (successor ? std::chrono::milliseconds{0} : earlier);
}

std::size_t Fleet::loading(const Generation& generation) const {
  const auto loads = [this](const Place& place) {
    return place.member && members_.at(*place.member).state == State::starting;
  };
  return static_cast<std::size_t>(std::ranges::count_if(generation.places, loads));
}

// Whether one more worker of this generation may start.
bool Fleet::may_load(const Generation& generation) const {
  if (!current_) return !next_first_load();
  if (&generation == &*current_)
    return !one_tries() || (!load_again_at_ && loading(generation) == 0);
  return config_.loads_at_once == 0 || loading(generation) < config_.loads_at_once;
}

// When one more worker of the first generation may start, if that is not at once.
std::optional<Fleet::Time> Fleet::next_first_load() const {
  if (current_ || !incoming_ || config_.first_loads_at_once == 0) return std::nullopt;
  std::optional<Time> next;
  unsigned busy = 0;
  bool some_wait = false;
  for (const Place& place : incoming_->places) {
    some_wait = some_wait || !place.member;
    if (!place.member || members_.at(*place.member).state != State::starting) continue;
    const Time patience_ends = members_.at(*place.member).since + config_.load_patience;
    if (patience_ends <= now_) continue;
    ++busy;
    next = std::min(next.value_or(patience_ends), patience_ends);
  }
  return some_wait && busy >= config_.first_loads_at_once ? next : std::nullopt;
}

// Whoever serves of a first generation that is not complete makes up the current one.
void Fleet::keep_who_serves() {
  std::vector<Place> serving;
  for (Place& place : incoming_->places) {
    if (place.member && members_.at(*place.member).state == State::serving) {
      members_.at(*place.member).place = serving.size();
      serving.push_back(place);
    } else {
      dismiss(place);
    }
  }
  if (!serving.empty()) current_ = Generation{incoming_->number, std::move(serving)};
  incoming_.reset();
}

void Fleet::abandon_incoming() {
  dismiss(*incoming_);
  incoming_.reset();
  if (current_) config_.processes = static_cast<unsigned>(current_->places.size());
}

void Fleet::dismiss(Generation& generation) {
  for (Place& place : generation.places) dismiss(place);
}

void Fleet::dismiss(Place& place) {
  dismiss(place.member);
  dismiss(place.successor);
}

// Takes a worker out of service: gently if it serves, at once if it does not.
void Fleet::dismiss(std::optional<WorkerId>& worker) {
  const auto leaving = std::exchange(worker, std::nullopt);
  if (!leaving) return;
  Member& member = *find(*leaving);
  if (member.state == State::serving) {
    drain(*leaving, member);
  } else {
    kill(*leaving, member, false);
  }
}

void Fleet::want_replaced(WorkerId worker, ReplaceReason reason) {
  const Member* member = find(worker);
  if (stopping() || member == nullptr || member->state != State::serving) return;
  const auto asked = [worker](const Replacement& each) { return each.worker == worker; };
  if (std::ranges::any_of(replacements_, asked)) return;
  replacements_.push_back({worker});
  actions_.push_back(Replacing{worker, reason});
}

// Starts the next successor, if it is time for one.
void Fleet::advance_replacements() {
  std::erase_if(replacements_, [this](const Replacement& each) {
    const Member* member = find(each.worker);
    return member == nullptr || place_of(each.worker, *member) == nullptr;  // it goes anyway
  });
  if (replacements_.empty() || incoming_ || rolling_) return;
  Replacement& next = replacements_.front();
  const Member& member = *find(next.worker);
  Place& place = *place_of(next.worker, member);
  if (place.successor || (next.retry_at && *next.retry_at > now_)) return;
  next.retry_at.reset();
  place.successor = spawn(member.generation, member.place);
}

// The successor serves from here on.
void Fleet::succeed(Place& place) {
  forget_deaths_before(*find(*place.member), place);
  dismiss(place.member);
  place.member = std::exchange(place.successor, std::nullopt);
}

// It will begin anew, unless what it gives way to makes it needless.
void Fleet::abandon_replacement() {
  if (replacements_.empty()) return;
  Replacement& replacement = replacements_.front();
  const WorkerId worker = replacement.worker;
  replacement = {worker};
  if (Place* place = place_of(worker, *find(worker))) dismiss(place->successor);
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
    if (!may_load(generation)) continue;
    place.member = spawn(rolling_.value_or(generation.number), index);
  }
}

// None if every slot is taken; the next exit frees one.
std::optional<WorkerId> Fleet::spawn(std::uint64_t generation, std::size_t place) {
  const auto slot = take_slot();
  if (!slot) return std::nullopt;
  const WorkerId worker = ++last_worker_;
  members_[worker] = {*slot, generation, place, State::starting, now_, now_ + config_.boot_timeout};
  actions_.push_back(Spawn{worker, *slot, generation});
  return worker;
}

std::optional<unsigned> Fleet::take_slot() {
  const auto free = std::ranges::find(slot_taken_, false);
  if (free == slot_taken_.end()) return std::nullopt;
  *free = true;
  return static_cast<unsigned>(free - slot_taken_.begin());
}

}  // namespace spawning
