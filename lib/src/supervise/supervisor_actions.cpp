// SPDX-License-Identifier: MIT
// How a Supervisor does what its Fleet wants done.
#include <utility>

#include "supervise/supervisor_state.hpp"

namespace spawning {

// Carries actions out in order, those included that follow from failing to start a process.
void Supervisor::State::apply(Actions more) {
  const bool nested = !actions.empty();
  actions.insert(actions.end(), more.begin(), more.end());
  if (nested) return;
  if (fleet.ending()) turn_newcomers_away();
  while (!actions.empty()) {
    const Action next = actions.front();
    std::visit([this](const auto& each) { carry_out(each); }, next);
    actions.pop_front();
  }
  std::erase_if(records, [](const auto& each) { return each.second.gone; });
  if (fleet.ending()) stop_listening();
  if (fleet.stopping()) trial.reset();
  set_timer();
}

// Before any worker empties the backlog.
void Supervisor::State::turn_newcomers_away() {
  for (ListeningSocket& listener : config.listeners) {
    if (const auto error = listener.turn_newcomers_away())
      log.debug("clients may connect in vain while the service stops: " + error.message());
  }
}

void Supervisor::State::stop_listening() {
  config.listeners.clear();                 // so that clients are refused, and do not wait in vain
  for (auto& [worker, record] : records) {  // there are no siblings any more
    if (std::exchange(record.handing_over, false))
      record.handle->say(control::Drain{config.deadman});
  }
}

void Supervisor::State::carry_out(const action::Spawn& spawn) {
  if (spawn.generation > newest_generation) {
    newest_generation = spawn.generation;
    reloads.begin(newest_generation, reload_cause, std::chrono::system_clock::now());
  }
  Record& record = records[spawn.worker];
  record.description.slot = spawn.slot;
  record.description.generation = spawn.generation;
  try {
    record.handle =
        std::make_unique<WorkerHandle>(context, start_of(spawn), callbacks_for(spawn.worker));
    record.description.pid = record.handle->pid();
    record.handle->say(control::Configure{config.worker_settings});
    log.debug(record.description.name() + " starts");
  } catch (const std::exception& error) {
    record.handle.reset();
    record.description.end = "cannot be started: " + std::string{error.what()};
    record.gone = true;
    apply(fleet.exited(spawn.worker, now()));
  }
}

void Supervisor::State::carry_out(const action::Serve& serve) {
  Record& record = records.at(serve.worker);
  record.serves_since = now();
  record.served = true;
  usage.begins(serve.worker, record.description.pid);
  record.handle->say(control::Serve{});
  log.debug(record.description.name() + " serves");
}

void Supervisor::State::carry_out(const action::AnnounceClose& announce) {
  records.at(announce.worker).handle->say(control::AnnounceClose{});
}

void Supervisor::State::carry_out(const action::Drain& drain) {
  Record& record = records.at(drain.worker);
  record.serves_since.reset();
  record.draining = true;
  record.handing_over = !fleet.ending();
  record.handle->say(control::Drain{drain.deadline, record.handing_over});
  log.debug(record.description.name() + " is told to finish");
}

void Supervisor::State::carry_out(const action::Kill& kill) {
  Record& record = records.at(kill.worker);
  if (kill.overdue && (record.draining || record.serves_since))
    log.warning(record.description.name() + " did not end in time and is killed");
  record.serves_since.reset();
  record.killed = true;
  if (!record.handle) return;  // it failed to start since this was decided
  if (kill.overdue) return record.handle->kill_once_explained();
  record.handle->kill();
}

void Supervisor::State::carry_out(const action::Report& report) {
  const WorkerDescription& worker = records.at(report.worker).description;
  trouble_log.write(report, worker);
  if (report.trouble == Trouble::death) ++restarts["death"];
  if (!is_verdict(report.consequence)) return;
  reloads.failed(worker.generation, describe(report, worker, config.boot_timeout),
                 traceback_of(report, worker), std::chrono::system_clock::now());
  if (serves)
    notifier->ready("the reload to generation " + std::to_string(worker.generation) + " failed");
}

void Supervisor::State::carry_out(const action::Replacing& replacing) {
  Record& record = records.at(replacing.worker);
  ++restarts[to_string(replacing.reason)];
  if (replacing.reason == ReplaceReason::age) {
    record.description.usage.served =
        std::chrono::round<std::chrono::seconds>(now() - record.serves_since.value_or(now()));
  }
  log_replacement(log, replacing, record.description);
}

void Supervisor::State::carry_out(const action::Serving& serving) {
  reloads.serving(serving.generation, std::chrono::system_clock::now());
  const std::string which = "generation " + std::to_string(serving.generation);
  notifier->ready(which + " serves");
  if (on_serving) std::exchange(on_serving, nullptr)();
  log.debug(which + " serves");
  if (std::exchange(serves, true)) log.info("reloaded: " + which + " serves");
}

void Supervisor::State::carry_out(const action::Finish& finish) {
  status = finish.status;
  signals.cancel();
  usage.stop();
  notifier.reset();
  status_server.reset();
  trouble_log.finish();
  reloads.stop(std::chrono::system_clock::now());
  watch.reset();
  finished = true;
}

WorkerStart Supervisor::State::start_of(const action::Spawn& spawn) const {
  WorkerStart start;
  start.slot = spawn.slot;
  start.generation = spawn.generation;
  start.scoreboard = scoreboard.fd();
  for (const ListeningSocket& listener : config.listeners)
    start.listeners.push_back(listener.fd.get());
  start.command = config.worker_command;
  start.environment = config.worker_environment;
  start.directory = config.working_directory;
  return start;
}

}  // namespace spawning
