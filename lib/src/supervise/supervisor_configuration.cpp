// SPDX-License-Identifier: MIT
// How a Supervisor learns, before each reload, what the service is to be.
#include <exception>
#include <utility>

#include "spawning/error.hpp"
#include "supervise/supervisor_state.hpp"

namespace spawning {

// One run at a time; of the reloads that are asked for meanwhile there will be one.
void Supervisor::State::configure_for(const std::string& cause) {
  if (configuring) {
    configuring->next = cause;
    return;
  }
  configuring.emplace(Configuring{cause, std::chrono::system_clock::now()});
  try {
    configuring->run = std::make_unique<ConfigureRun>(
        context, config.configurator,
        [this](ConfigureRun::Outcome outcome) { conclude(std::move(outcome)); });
  } catch (const std::exception& error) {
    const auto attempt = std::exchange(configuring, std::nullopt);
    refuse_reload(*attempt, {error.what(), "", {}});
  }
}

void Supervisor::State::conclude(ConfigureRun::Outcome outcome) {
  const auto attempt = std::exchange(configuring, std::nullopt);
  if (auto* failure = std::get_if<control::Failed>(&outcome)) {
    refuse_reload(*attempt, std::move(*failure));
  } else {
    try {
      reload_by(*attempt, config.configurator.read(std::get<std::string>(outcome)));
    } catch (const StartupError& error) {
      refuse_reload(*attempt, {error.what(), "", {}});
    }
  }
  if (attempt->next) reload(*attempt->next);
  reap_strangers();  // behind it
}

// As many workers as the plan says, unless that has not changed: SIGTTIN and SIGTTOU may have.
void Supervisor::State::reload_by(const Configuring& attempt, ServicePlan plan) {
  if (watch) watch->add(plan.watch, attempt.began);
  std::optional<unsigned> processes;
  const bool same = plan.processes == plans.current().processes &&
                    plan.processes == plans.newest().processes;  // which may have failed
  if (!same) processes = plan.processes;
  reload_cause = attempt.cause;
  Actions actions_of_reload = fleet.reload(now(), processes);
  plans.begin(fleet.newest_generation(), {std::move(plan.worker_settings), plan.processes});
  apply(std::move(actions_of_reload));
}

void Supervisor::State::refuse_reload(const Configuring& attempt, control::Failed failure) {
  if (watch) watch->add(failure, attempt.began);
  const std::uint64_t generation = fleet.skip_generation();
  const std::string line = "generation " + std::to_string(generation) +
                           " cannot be configured: " + failure.summary +
                           "; everything goes on as it is";
  if (failure.traceback.empty()) {
    log.error(line);
  } else {
    log.traceback(line, failure.traceback);
  }
  Reload reload;
  reload.generation = generation;
  reload.cause = attempt.cause;
  reload.began = attempt.began;
  reload.ended = std::chrono::system_clock::now();
  reload.summary = line;
  reload.traceback = std::move(failure.traceback);
  reloads.refused(std::move(reload));
  if (serves) notifier->ready("the reload to generation " + std::to_string(generation) + " failed");
}

}  // namespace spawning
