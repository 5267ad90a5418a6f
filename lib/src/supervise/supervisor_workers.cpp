// SPDX-License-Identifier: MIT
// What a Supervisor makes of what its workers say and do.
#include <utility>

#include "supervise/supervisor_state.hpp"

namespace spawning {

WorkerHandle::Callbacks Supervisor::State::callbacks_for(WorkerId worker) {
  return {[this, worker](control::Message&& message, std::vector<UniqueFd> descriptors) {
            hear(worker, std::move(message), std::move(descriptors));
          },
          [this, worker] { apply(fleet.hung_up(worker, now())); },
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
  } else if (const auto* modules = std::get_if<control::Modules>(&message)) {
    if (watch) watch->add(*modules, records.at(worker).started);
  } else if (auto* connections = std::get_if<control::Connections>(&message)) {
    deal_out(std::move(*connections), std::move(descriptors));
  }
}

void Supervisor::State::deal_out(control::Connections connections, std::vector<UniqueFd> sockets) {
  // Whoever has been answered by new code shall not be by old code again.
  std::uint64_t newest = 0;
  std::vector<WorkerHandle*> takers;
  for (const auto& [worker, record] : records) {
    const std::uint64_t generation = record.description.generation;
    if (!record.serves_since || record.gone || generation < newest) continue;
    if (std::exchange(newest, generation) < generation) takers.clear();
    takers.push_back(record.handle.get());
  }
  if (takers.empty()) {
    return log.debug(std::to_string(sockets.size()) +
                     " idle connections are closed: no worker is there to take them");
  }
  auto hands = dealer.deal(std::move(connections), std::move(sockets), takers.size());
  for (std::size_t i = 0; i < hands.size(); ++i) {
    if (!hands[i].sockets.empty())
      takers[i]->pass(hands[i].connections, std::move(hands[i].sockets));
  }
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
  record.description.end = exit.to_string();
  record.gone = true;
  if (record.draining && !record.killed && !exit.success()) {
    log.warning(record.description.name() + " " + record.description.end +
                " while it finished its requests");
  } else {
    log.debug(record.description.name() + " " + record.description.end);
  }
  if (!record.served) record.handle->kill_group();  // its application was never there
  scoreboard.retire(record.description.slot);
  apply(fleet.exited(worker, now()));
  reap_strangers();  // they may have waited behind this one
}

}  // namespace spawning
