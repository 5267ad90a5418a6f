// SPDX-License-Identifier: MIT
// What a Supervisor makes of what its workers say and do.
#include <algorithm>
#include <tuple>
#include <utility>

#include "supervise/supervisor_state.hpp"

namespace spawning {
namespace {

// Of one that was to finish, and has not ended well.
std::string words_of_end(const WorkerRecord& worker) {
  const std::string what = worker.finished  ? " at its end, after it had finished its requests"
                           : worker.leaving ? " when it left; what it had not finished is lost"
                                            : " while it finished its requests, and they are lost";
  return what + (worker.description.lost.empty() ? "" : ": " + worker.description.lost);
}

}  // namespace

WorkerHandle::Callbacks Supervisor::State::callbacks_for(WorkerId worker) {
  return {[this, worker](control::Message&& message, std::vector<UniqueFd> descriptors) {
            hear(worker, std::move(message), std::move(descriptors));
          },
          [this, worker] {
            Record& record = records.at(worker);
            record.serves_since.reset();  // nothing can be dealt to it
            record.finished = record.draining && has_nothing_left(record);
            apply(fleet.hung_up(worker, now(), record.finished));
          },
          [this, worker](ExitStatus exit) { end(worker, exit); }};
}

void Supervisor::State::hear(WorkerId worker, control::Message&& message,
                             std::vector<UniqueFd> descriptors) {
  if (std::holds_alternative<control::Ready>(message)) {
    apply(fleet.ready(worker, now()));
  } else if (const auto* failure = std::get_if<control::Failed>(&message)) {
    Record& record = records.at(worker);
    const bool mendable = watch && watch->add(*failure, record.started);
    record.description.failure = *failure;
    apply(fleet.failed(worker, now(), mendable));
  } else if (const auto* overdue = std::get_if<control::Overdue>(&message)) {
    records.at(worker).description.overdue = *overdue;
    apply(fleet.replace(worker, ReplaceReason::overdue, now()));
  } else if (std::holds_alternative<control::Leaving>(message)) {
    records.at(worker).leaving = true;
    apply(fleet.leaving(worker, now()));
  } else if (const auto* modules = std::get_if<control::Modules>(&message)) {
    if (watch) watch->add(*modules, records.at(worker).started);
  } else if (auto* connections = std::get_if<control::Connections>(&message)) {
    deal_out(worker, std::move(*connections), std::move(descriptors));
  }
}

// Those whom the giver has chosen, if they still serve. Else whoever serves with the newest code: who
// has been answered by new code shall not be by old code again. The giver only if there is nobody
// else; one that drains, too, unless it would only hand them over again.
std::vector<Supervisor::State::Record*> Supervisor::State::takers(
    WorkerId giver, const std::vector<unsigned>& slots) {
  std::uint64_t newest = 0;
  std::vector<Record*> chosen, all;
  for (auto& [worker, record] : records) {
    if (!record.serves_since || record.gone) continue;
    const auto& [slot, generation] =
        std::tie(record.description.slot, record.description.generation);
    if (std::ranges::find(slots, slot) != slots.end()) chosen.push_back(&record);
    if (generation < newest) continue;
    if (std::exchange(newest, generation) < generation) all.clear();
    all.push_back(&record);
  }
  if (!chosen.empty()) return chosen;
  Record& itself = records.at(giver);
  if (all.size() > 1) std::erase(all, &itself);
  const bool answers = itself.draining && !itself.handing_over && !itself.gone;
  if (all.empty() && answers) all.push_back(&itself);
  return all;
}

// What it says of itself is a moment old: connections may be on their way to it.
ConnectionDealer::Taker Supervisor::State::business_of(const Record& record) const {
  const ScoreboardSlot& slot = scoreboard.slot(record.description.slot);
  const std::uint64_t adopted = slot.connections_adopted;
  const std::uint64_t under_way = record.dealt - std::min(record.dealt, adopted);
  return {slot.connections_open + under_way, static_cast<std::int64_t>(slot.threads_idle) -
                                                 static_cast<std::int64_t>(slot.requests_queued)};
}

// No connection at all is a question, which is answered behind those that went back to the giver.
void Supervisor::State::deal_out(WorkerId giver, control::Connections connections,
                                 std::vector<UniqueFd> sockets) {
  if (connections.states.empty()) return records.at(giver).handle->pass(connections, {});
  const auto records_of_takers = takers(giver, connections.to);
  if (records_of_takers.empty()) {
    return log.debug(std::to_string(sockets.size()) +
                     " idle connections are closed: no worker is there to take them");
  }
  std::vector<ConnectionDealer::Taker> business;
  business.reserve(records_of_takers.size());
  for (const Record* record : records_of_takers) business.push_back(business_of(*record));
  auto hands = dealer.deal(std::move(connections), std::move(sockets), std::move(business));
  for (std::size_t i = 0; i < hands.size(); ++i) {
    if (hands[i].sockets.empty()) continue;
    Record& taker = *records_of_takers[i];
    taker.dealt += hands[i].sockets.size();
    taker.handle->pass(hands[i].connections, std::move(hands[i].sockets));
  }
}

// Of connections, and of requests whose clients may have gone.
bool Supervisor::State::has_nothing_left(const Record& record) const {
  const ScoreboardSlot& slot = scoreboard.slot(record.description.slot);
  return slot.connections_open == 0 && slot.requests_queued == 0 && slot.requests_running == 0;
}

// And goes on with connections that others hand over.
bool Supervisor::State::anybody_serves() const {
  return std::ranges::any_of(records, [](const auto& each) {
    return each.second.serves_since.has_value() && !each.second.gone;
  });
}

std::vector<UsageWatch::Subject> Supervisor::State::subjects() const {
  std::vector<UsageWatch::Subject> all;
  for (const auto& [worker, record] : records) {
    const WorkerDescription& description = record.description;
    all.push_back({worker, description.pid, description.slot, record.serves_since.has_value()});
  }
  return all;
}

// Whether anybody gets on; or need not any more.
bool Supervisor::State::healthy() {
  std::vector<WorkerProgress> serving;
  for (const auto& [worker, record] : records) {
    if (!record.serves_since) continue;
    const ScoreboardSlot& slot = scoreboard.slot(record.description.slot);
    serving.push_back({worker, slot.answers(), slot.requests_queued.load()});
  }
  return health.look(serving) || fleet.ending();
}

void Supervisor::State::replace(WorkerId worker, ReplaceReason reason, const WorkerUsage& used) {
  records.at(worker).description.usage = used;
  apply(fleet.replace(worker, reason, now()));
}

void Supervisor::State::end(WorkerId worker, ExitStatus exit) {
  Record& record = records.at(worker);
  WorkerDescription& description = record.description;
  description.end = exit.to_string();
  description.lost = words_of_lost(scoreboard.running(description.slot).list(), now());
  record.gone = true;
  if (record.draining && !record.killed && !exit.success()) {
    log.error(description.name() + " " + description.end + words_of_end(record));
  } else {
    log.debug(description.name() + " " + description.end);
  }
  if (!record.served) record.handle->kill_group();  // its application was never there
  scoreboard.retire(description.slot);
  apply(fleet.exited(worker, now()));
  reap_strangers();  // they may have waited behind this one
}

}  // namespace spawning
