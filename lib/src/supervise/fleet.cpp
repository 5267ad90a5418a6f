// SPDX-License-Identifier: MIT
#include "supervise/fleet.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace spawning {

using namespace action;

Fleet::Fleet(FleetConfig config) : config_{config}, slot_taken_(config.slots) {}

Fleet::Fleet(FleetConfig config, Fleet before) : Fleet{std::move(before)} {
  config.processes = config_.processes;
  config_ = config;
  slot_taken_.assign(config.slots, false);
  for (const auto& [worker, member] : members_) {
    if (member.slot >= config.slots || slot_taken_[member.slot])
      throw std::invalid_argument{"a worker has no slot of its own"};
    slot_taken_[member.slot] = true;
  }
  check();
}

// What find() is expected to find is there.
void Fleet::check() const {
  const auto require = [this](std::optional<WorkerId> worker) {
    if (worker && !members_.contains(*worker))
      throw std::invalid_argument{"a place has an unknown worker"};
  };
  for (const auto* generation : {&current_, &incoming_}) {
    if (!*generation) continue;
    for (const Place& place : (*generation)->places) {
      require(place.member);
      require(place.successor);
    }
  }
  for (const Replacement& replacement : replacements_) require(replacement.worker);
  if (!current_ && (rolling_ || (!incoming_ && !replacements_.empty())))
    throw std::invalid_argument{"nobody is there to be replaced"};
}

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
    const bool first = !current_ && place_in(incoming_, worker, *member) != nullptr;
    if (first && !config_.first_serve_together) serve(worker, *member, false);
    if (Place* place = place_in(current_, worker, *member)) {
      const bool successor = place->successor == worker;
      expect_loads();
      serve(worker, *member, successor && !rolling_);
      if (successor) succeed(*place);
    }
  });
}

Actions Fleet::failed(WorkerId worker, Time now, bool mendable) {
  return on(now, [this, worker, mendable] {
    Member* member = find(worker);
    if (member != nullptr && member->state == State::starting)
      trouble(worker, *member, Trouble::load_failure, mendable);
  });
}

Actions Fleet::hung_up(WorkerId worker, Time now, bool finished) {
  return on(now, [this, worker, finished] {
    Member* member = find(worker);
    if (member == nullptr || member->state == State::killed) return;
    const bool before = std::exchange(member->hung_up, true);
    if (member->state != State::draining) {
      // Most often it is about to exit, or takes this for its supervisor's death and drains by
      // itself.
      member->deadline = now_ + config_.hang_up_grace;
    } else if (!before && finished && !ending_) {
      // To take an interpreter apart, at a low priority beside those who serve, may take as long
      // again.
      member->deadline = now_ + config_.deadman;
    }
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

Actions Fleet::leaving(WorkerId worker, Time now) {
  return on(now, [this, worker] {
    Member* member = find(worker);
    if (member != nullptr && member->state != State::starting)
      trouble(worker, *member, Trouble::leaving);
  });
}

Actions Fleet::replace(WorkerId worker, ReplaceReason reason, Time now) {
  return on(now, [this, worker, reason] { want_replaced(worker, reason); });
}

Actions Fleet::reload(Time now, std::optional<unsigned> processes) {
  return on(now, [this, processes] {
    if (stopping()) return;
    abandon_reload();
    abandon_replacement();
    if (processes) want(*processes);
    if (rolls()) {
      resize(*current_);
      rolling_ = ++generations_;
      expect_loads();
    } else {
      begin_generation();
    }
  });
}

Actions Fleet::scale(int change, Time now) {
  return on(now, [this, change] {
    if (stopping()) return;
    want(long{config_.processes} + change);
    if (current_) resize(*current_);
    if (incoming_) resize(*incoming_);
  });
}

void Fleet::want(long processes) {
  const long most = std::max(1U, config_.slots / 2);
  config_.processes = static_cast<unsigned>(std::clamp<long>(processes, 1, most));
}

Actions Fleet::stop(Time now) {
  if (std::exchange(asked_to_stop_, true)) return stop_now(now);
  if (ending_) return {};
  return on(now, [this] {
    if (!current_ && incoming_) keep_who_serves();
    abandon_reload();
    abandon_replacement();
    replacements_.clear();
    if (!current_ || config_.drain_delay.count() == 0) return end();
    drain_at_ = now_ + config_.drain_delay;
    for (const auto& [worker, member] : members_) {
      if (member.state == State::serving) actions_.push_back(AnnounceClose{worker});
    }
  });
}

Actions Fleet::stop_now(Time now) {
  return on(now, [this] {
    ending_ = true;
    drain_at_.reset();
    rolling_.reset();
    current_.reset();
    incoming_.reset();
    replacements_.clear();
    for (auto& [worker, member] : members_) kill(worker, member, false);
  });
}

Actions Fleet::tick(Time now) {
  return on(now, [this] {
    if (drain_at_ && *drain_at_ <= now_) end();
    std::vector<WorkerId> overdue;
    for (auto& [worker, member] : members_) {
      if (member.deadline && *member.deadline <= now_) overdue.push_back(worker);
      if (!member.due || *member.due > now_) continue;
      member.due.reset();
      want_replaced(worker, ReplaceReason::age);
    }
    for (WorkerId worker : overdue) {
      Member& member = *find(worker);
      if (member.state == State::starting) {
        trouble(worker, member,
                member.hung_up ? Trouble::hang_up_before_ready : Trouble::boot_timeout);
      } else if (member.state == State::ready || member.state == State::serving) {
        trouble(worker, member, Trouble::hang_up);
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
  for (const auto& [worker, member] : members_) {
    consider(member.deadline);
    consider(member.due);
  }
  for (const auto* generation : {&current_, &incoming_}) {
    if (!*generation) continue;
    for (const Place& place : (*generation)->places) consider(place.respawn_at);
  }
  consider(drain_at_);
  consider(next_first_load());
  if (current_) consider(load_again_at_);
  if (!replacements_.empty()) consider(replacements_.front().retry_at);
  return next;
}

Fleet::Member* Fleet::find(WorkerId worker) {
  const auto found = members_.find(worker);
  return found == members_.end() ? nullptr : &found->second;
}

Fleet::Place* Fleet::place_in(std::optional<Generation>& generation, WorkerId worker,
                              const Member& member) {
  if (!generation || member.place >= generation->places.size()) return nullptr;
  Place& place = generation->places[member.place];
  return place.member == worker || place.successor == worker ? &place : nullptr;
}

Fleet::Place* Fleet::place_of(WorkerId worker, const Member& member) {
  Place* const current = place_in(current_, worker, member);
  return current == nullptr ? place_in(incoming_, worker, member) : current;
}

void Fleet::set_state(Member& member, State state) {
  member.state = state;
  member.since = now_;
  member.deadline.reset();
  member.due.reset();
}

void Fleet::settle() {
  if (!ending_) {
    const auto is_ready = [this](const Place& place) {
      if (!place.member) return false;
      const Member& member = *find(*place.member);
      return !member.hung_up && (member.state == State::ready || member.state == State::serving);
    };
    if (incoming_ && std::ranges::all_of(incoming_->places, is_ready)) promote();
    if (load_again_at_ && *load_again_at_ <= now_) load_again_at_.reset();
    if (current_) fill(*current_);
    if (incoming_) fill(*incoming_);
    advance_rolling();
    advance_replacements();
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
