// SPDX-License-Identifier: MIT
// How a Supervisor leaves its workers to another program, and takes them over from one.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <iterator>
#include <utility>

#include "spawning/error.hpp"
#include "supervise/supervisor_state.hpp"

namespace spawning {
namespace {

constexpr const char* kGoesOn = "; this program goes on until SIGUSR2 comes again";

SupervisorRemains::Listener remains_of(const ListeningSocket& socket) {
  SupervisorRemains::Listener remains{socket.fd.get(), socket.inherited};
  if (socket.file) remains.file = socket.file->identity();
  return remains;
}

}  // namespace

void Supervisor::State::try_next_program() {
  if (next_program.command.empty())
    return log.warning(
        "SIGUSR2: ignored, as it is not known how this program was started; restart it instead");
  if (fleet.stopping()) return log.info("SIGUSR2: ignored, as the service stops");
  if (config.background)
    return log.info("SIGUSR2: ignored, as somebody still waits for the service to start");
  if (trial || trial_passed)
    return log.info("SIGUSR2: ignored, as the next program is on trial already");
  log.info("SIGUSR2: trying " + next_program.command.front());
  try {
    trial.emplace(context, next_program, write_remains(remains()), config.boot_timeout,
                  [this](const std::string& objection) { judge_next_program(objection); });
  } catch (const std::exception& error) {
    judge_next_program("cannot be executed: " + std::string{error.what()});
  }
}

void Supervisor::State::judge_next_program(const std::string& objection) {
  trial.reset();
  reap_strangers();  // behind it
  if (!objection.empty()) {
    return log.error("SIGUSR2: " + next_program.command.front() + " " + objection + kGoesOn);
  }
  trial_passed = true;
  context.stop();
}

// Called when it has passed its trial, outside of the loop. Signals that come from here on wait for
// the next program; what came before, and all else, is dealt with first.
void Supervisor::State::execute_next_program() {
  const sigset_t ours = our_signals();
  sigset_t others;
  if (::sigprocmask(SIG_BLOCK, &ours, &others) != 0) throw_last_error("sigprocmask");
  context.restart();
  context.poll();
  if (!fleet.stopping()) {
    const std::optional<std::string> asked = reload_asked();
    configuring.reset();
    trouble_log.finish();
    drain_rest();
    SupervisorRemains left = remains();
    left.reload_asked = asked;
    const std::error_code error = execute(next_program, write_remains(left));
    log.error("SIGUSR2: " + next_program.command.front() +
              " cannot be executed: " + error.message() + kGoesOn);
    if (asked) reload(*asked);
  }
  if (::sigprocmask(SIG_SETMASK, &others, nullptr) != 0) throw_last_error("sigprocmask");
}

SupervisorRemains Supervisor::State::remains() const {
  SupervisorRemains remains;
  remains.pid = ::getpid();
  remains.serves = serves;
  remains.scoreboard = scoreboard.fd();
  for (const ListeningSocket& listener : config.listeners)
    remains.listeners.push_back(remains_of(listener));
  if (config.console) remains.console = remains_of(*config.console);
  if (config.pidfile) remains.pidfile = {config.pidfile->descriptor(), config.pidfile->path()};
  remains.fleet = fleet;
  for (const auto& [worker, record] : records)
    remains.workers.emplace(worker, SupervisorRemains::Worker{record, record.handle->remains()});
  remains.recycling = usage.policy();
  remains.reloads = reloads;
  remains.started = started;
  remains.restarts = restarts;
  remains.status_socket = status_socket;
  remains.reload_cause = reload_cause;
  remains.newest_generation = newest_generation;
  if (watch) remains.watched = watch->remains();
  remains.plans = plans;
  return remains;
}

// …for, but not begun yet.
std::optional<std::string> Supervisor::State::reload_asked() const {
  if (!configuring) return std::nullopt;
  return configuring->next.value_or(configuring->cause);
}

void Supervisor::State::go_on_from(const SupervisorRemains& left) {
  serves = left.serves;
  if (serves) on_serving = nullptr;
  usage.go_on_from(left.recycling);
  reloads = left.reloads;
  started = left.started;
  restarts = left.restarts;
  reload_cause = left.reload_cause;
  newest_generation = left.newest_generation;
  plans = left.plans;
  if (config.configurator.command.empty() || plans.empty()) {
    plans = {};
    plans.begin(0, {config.worker_settings, config.processes});
  }
  notifier->alive();  // it may have been about time
  Actions lost;
  for (const auto& [worker, each] : left.workers) {
    Record& record = records[worker];
    static_cast<WorkerRecord&>(record) = each.record;
    try {
      record.handle = std::make_unique<WorkerHandle>(context, each.handle, callbacks_for(worker));
    } catch (const std::exception& error) {
      record.description.end = "was lost: " + std::string{error.what()};
      record.gone = true;
      std::ranges::move(fleet.exited(worker, now()), std::back_inserter(lost));
    }
  }
  log.info("SIGUSR2: re-executed, spawning " SPAWNING_VERSION " goes on with " +
           std::to_string(records.size()) + (records.size() == 1 ? " worker" : " workers"));
  apply(std::move(lost));
  if (left.reload_asked) reload(*left.reload_asked);
}

}  // namespace spawning
