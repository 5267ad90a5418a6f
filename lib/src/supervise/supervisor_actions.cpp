// SPDX-License-Identifier: MIT
// How a Supervisor does what its Fleet wants done.
#include <algorithm>
#include <cstdint>
#include <utility>

#include "supervise/supervisor_state.hpp"

namespace spawning {
namespace {

// From one worker that hands its connections over to the next. A hundred of them take some
// milliseconds, and so does its end.
constexpr std::chrono::milliseconds kTurn{20};
// Of many workers each has less, or the last ones would begin when others have had to end.
constexpr std::chrono::milliseconds kAllTurns{1'000};

}  // namespace

// Carries actions out in order, those included that follow from failing to start a process.
void Supervisor::State::apply(Actions more) {
  const bool nested = !actions.empty();
  actions.insert(actions.end(), more.begin(), more.end());
  if (fleet.ending()) turn_newcomers_away();
  if (nested) return;
  while (!actions.empty()) {
    const Action next = actions.front();
    std::visit([this](const auto& each) { carry_out(each); }, next);
    actions.pop_front();
  }
  std::erase_if(records, [](const auto& each) { return each.second.gone; });
  if (fleet.ending()) stop_listening();
  if (!anybody_serves()) end_handing_over();
  if (fleet.stopping()) trial.reset();
  if (fleet.stopping()) configuring.reset();
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
  config.listeners.clear();  // so that clients are refused, and do not wait in vain
  config.console.reset();
}

// There are no siblings any more, or not yet.
void Supervisor::State::end_handing_over() {
  for (auto& [worker, record] : records) {
    if (std::exchange(record.handing_over, false))
      record.handle->say(control::Drain{config.deadman, false, !fleet.ending()});
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
    if (access_log) record.handle->give_access_log(access_log.get());
    record.handle->say(control::Configure{plans.of(spawn.generation).settings});
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
  record.memory_since = {};  // it has grown while it loaded
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
  record.handing_over = !fleet.ending() && anybody_serves();
  if (!record.handing_over) return tell_to_finish(record);
  to_drain.push_back(drain.worker);
  if (!draining_in_turn) drain_next();
}

void Supervisor::State::tell_to_finish(Record& record) {
  record.handle->say(control::Drain{config.deadman, record.handing_over, !fleet.ending()});
  if (record.handle->hung_up()) record.handle->ask_to_end();
  log.debug(record.description.name() + " is told to finish");
}

// One after the other: a connection waits while it is on its way, and so do all that move with it;
// and to end a process takes time that those who serve need right now.
void Supervisor::State::drain_next() {
  draining_in_turn = false;
  while (!to_drain.empty() && !draining_in_turn) {
    const auto next = records.find(to_drain.front());
    to_drain.pop_front();
    if (next == records.end() || !next->second.handing_over) continue;  // told, or gone, meanwhile
    tell_to_finish(next->second);
    draining_in_turn = true;
  }
  if (!draining_in_turn) return;
  const auto waiting = static_cast<std::int64_t>(to_drain.size());
  drain_timer.expires_after(std::min(kTurn, kAllTurns / (waiting + 1)));
  drain_timer.async_wait([this](boost::system::error_code error) {
    if (!error) drain_next();
  });
}

// Without waiting for their turns.
void Supervisor::State::drain_rest() {
  while (!to_drain.empty()) drain_next();
}

// Who can be talked to says it itself, before it is killed.
std::string Supervisor::State::lost_by(const Record& record) const {
  if (!record.handle || !record.handle->hung_up()) return "";
  const std::string lost = words_of_lost(scoreboard.running(record.description.slot).list(), now());
  return lost.empty() ? "" : ": " + lost;
}

void Supervisor::State::carry_out(const action::Kill& kill) {
  Record& record = records.at(kill.worker);
  if (kill.overdue && record.draining)
    log.error(
        record.description.name() + (record.finished ? " has finished its requests, but " : " ") +
        "did not end in time and is killed, after " + in_words(config.deadman) + " (--deadman)" +
        (record.finished ? "" : "; what it still served is lost" + lost_by(record)));
  record.serves_since.reset();
  record.killed = true;
  if (!record.handle) return;  // it failed to start since this was decided
  if (kill.overdue) return record.handle->kill_once_explained();
  record.handle->kill();
}

void Supervisor::State::carry_out(const action::Report& report) {
  const WorkerDescription& worker = records.at(report.worker).description;
  trouble_log.write(report, worker);
  const std::string what = what_happened(report, worker, config.boot_timeout);
  if (report.trouble == Trouble::death || report.trouble == Trouble::hang_up ||
      report.trouble == Trouble::leaving) {
    restarts.add(restart_of(worker, "death", what));
  } else if (!report.repeated && !is_verdict(report.consequence)) {
    restarts.add_failed_start(restart_of(worker, "start", what));
  }
  if (!is_verdict(report.consequence)) return;
  reloads.failed(worker.generation, describe(report, worker, config.boot_timeout),
                 traceback_of(report, worker), std::chrono::system_clock::now());
  if (serves)
    notifier->ready("the reload to generation " + std::to_string(worker.generation) + " failed");
}

void Supervisor::State::carry_out(const action::Replacing& replacing) {
  Record& record = records.at(replacing.worker);
  if (replacing.reason == ReplaceReason::age) {
    record.description.usage.served =
        std::chrono::round<std::chrono::seconds>(now() - record.serves_since.value_or(now()));
  }
  restarts.add(restart_of(record.description, to_string(replacing.reason),
                          what_happened(replacing, record.description)));
  log_replacement(log, replacing, record.description);
}

Restart Supervisor::State::restart_of(const WorkerDescription& worker, std::string reason,
                                      std::string summary) {
  return {std::chrono::system_clock::now(),
          worker.slot,
          worker.generation,
          worker.pid,
          std::move(reason),
          std::move(summary)};
}

void Supervisor::State::carry_out(const action::Serving& serving) {
  reloads.serving(serving.generation, std::chrono::system_clock::now());
  plans.serving(serving.generation);
  const std::string which = "generation " + std::to_string(serving.generation);
  notifier->ready(which + " serves");
  if (on_serving) std::exchange(on_serving, nullptr)();
  if (config.background) leave_the_foreground();
  log.debug(which + " serves");
  if (std::exchange(serves, true)) log.info("reloaded: " + which + " serves");
}

void Supervisor::State::carry_out(const action::Finish& finish) {
  status = finish.status;
  signals.cancel();
  usage.stop();
  drain_timer.cancel();
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
  if (config.console) start.console = config.console->fd.get();
  start.command = config.worker_command;
  start.environment = config.worker_environment;
  start.directory = config.working_directory;
  start.log = log.options();
  return start;
}

}  // namespace spawning
