// SPDX-License-Identifier: MIT
#include "spawning/supervisor.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "base/descriptor_table.hpp"
#include "base/scheduling.hpp"
#include "spawning/capacity.hpp"
#include "spawning/error.hpp"
#include "supervise/supervisor_state.hpp"

namespace spawning {
namespace {

constexpr unsigned kMostProcesses = 1024;
// Two full generations. Slots that nobody uses cost no memory.
constexpr unsigned kSlots = 2 * kMostProcesses;

constexpr int kSignals[] = {SIGTERM, SIGINT,  SIGQUIT, SIGHUP, SIGTTIN,
                            SIGTTOU, SIGUSR1, SIGUSR2, SIGCHLD};

FleetConfig fleet_config(const SupervisorConfig& config) {
  FleetConfig fleet;
  fleet.processes = config.processes;
  fleet.slots = kSlots;
  // Loading takes a processor for as long as it lasts, and memory; who serves needs some, too.
  const unsigned room = capacity(affine_processors()).workers;
  fleet.loads_at_once = std::max(1U, room / 2);
  fleet.first_loads_at_once = room;
  // Until all serve, a daemon's streams are those of whoever waits for that.
  fleet.first_serve_together = static_cast<bool>(config.background);
  fleet.surge = config.surge;
  fleet.drain_delay = config.drain_delay;
  fleet.deadman = config.deadman;
  fleet.boot_timeout = config.boot_timeout;
  fleet.longest_backoff = config.longest_backoff;
  fleet.max_age = config.limits.age;
  return fleet;
}

Scoreboard scoreboard_for(const SupervisorRemains* before) {
  return before == nullptr ? Scoreboard::create(kSlots)
                           : Scoreboard::adopt(UniqueFd{before->scoreboard});
}

Fleet fleet_for(const SupervisorConfig& config, const SupervisorRemains* before,
                std::size_t slots) {
  FleetConfig fleet = fleet_config(config);
  fleet.slots = static_cast<unsigned>(slots);
  return before == nullptr ? Fleet{fleet} : Fleet{fleet, before->fleet};
}

}  // namespace

sigset_t Supervisor::State::our_signals() {
  sigset_t ours;
  ::sigemptyset(&ours);
  for (int signal : kSignals) ::sigaddset(&ours, signal);
  return ours;
}

Supervisor::State::State(SupervisorConfig c, const Log& l)
    : config{std::move(c)},
      log{l},
      scoreboard{scoreboard_for(before())},
      access_log{open_access_log()},
      fleet{fleet_for(config, before(), scoreboard.slots())} {
  if (before() == nullptr) streams.open(config.log_owner);
}

const SupervisorRemains* Supervisor::State::before() const {
  return config.inheritance ? config.inheritance->remains_.get() : nullptr;
}

int Supervisor::State::run() {
  await_signals();
  raise_descriptor_limit();
  reserve_descriptors();
  prefer(Scheduling::prompt);  // connections that it deals out have clients that wait
  notifier.emplace(context, config.service_manager, log, [this] { return healthy(); });
  if (config.status) {
    status_socket = config.status->socket.fd.get();
    status_server.emplace(context, std::move(config.status->socket.fd),
                          StatusSources{[this] { return report(); }, [this] { return sample(); }},
                          log);
  }
  watch.emplace(
      context, config.watch, log, [this](const std::string& changes) { reload(changes); },
      before() == nullptr ? FileWatcher::Remains{} : before()->watched);
  if (before() == nullptr) {
    if (!config.background) streams.use();
    plans.begin(0, {config.worker_settings, config.processes});
    apply(fleet.start(now()));
  } else {
    go_on_from(*before());
    config.inheritance.reset();
  }
  usage.start();
  for (;;) {
    context.run();
    if (!trial_passed) return status;
    execute_next_program();
    trial_passed = false;  // not before: nobody else is tried meanwhile, and then left behind
    context.restart();
  }
}

// Whoever started us may have blocked signals that we act on, as the program before does: they may
// come once there are handlers. A pipe that nobody reads any more is no reason to end either.
void Supervisor::State::await_signals() {
  for (int signal : kSignals) signals.add(signal);
  await_signal();
  const sigset_t ours = our_signals();
  if (::sigprocmask(SIG_UNBLOCK, &ours, nullptr) != 0) throw_last_error("sigprocmask");
  if (::signal(SIGPIPE, SIG_IGN) == SIG_ERR) throw_last_error("signal");
}

void Supervisor::State::await_signal() {
  signals.async_wait([this](boost::system::error_code error, int signal) {
    if (error || finished) return;  // a signal that came just before the cancel is no error
    await_signal();
    act_on(signal);
  });
}

void Supervisor::State::act_on(int signal) {
  switch (signal) {
    case SIGTERM:
    case SIGINT:
      return stop(signal == SIGTERM ? "SIGTERM" : "SIGINT");
    case SIGQUIT:
      log.info("SIGQUIT: stopping at once");
      notifier->stopping();
      return apply(fleet.stop_now(now()));
    case SIGHUP:
      log.info(fleet.stopping() ? "SIGHUP: ignored, as the service stops" : "SIGHUP: reloading");
      return reload("SIGHUP");
    case SIGTTIN:
      return scale("SIGTTIN", +1);
    case SIGTTOU:
      return scale("SIGTTOU", -1);
    case SIGUSR1:
      return reopen_logs();
    case SIGUSR2:
      return try_next_program();
    case SIGCHLD:
      return reap_strangers();
    default:
      return;
  }
}

void Supervisor::State::stop(const std::string& signal) {
  const StopRequests::Kind request = stop_requests.note(now());
  if (request == StopRequests::Kind::same)
    return log.debug(signal + " so soon again: taken for the one before");
  std::string what = " again: stopping at once";
  if (request == StopRequests::Kind::first)
    what = ": stopping, requests may finish within " + in_words(config.deadman) + " (--deadman)";
  if (!fleet.stopping() && anybody_serves() && config.drain_delay.count() > 0)
    what += "; serving for " + in_words(config.drain_delay) + " more before (--drain-delay)";
  log.info(signal + what);
  notifier->stopping();
  apply(fleet.stop(now()));
  if (request == StopRequests::Kind::first) stop_requests.acted(now());
}

void Supervisor::State::reload(const std::string& cause) {
  if (fleet.stopping()) return;
  if (serves) notifier->reloading();
  if (!config.configurator.command.empty()) return configure_for(cause);
  reload_cause = cause;
  apply(fleet.reload(now()));
}

void Supervisor::State::scale(const std::string& signal, int change) {
  apply(fleet.scale(change, now()));
  const unsigned wanted = fleet.processes();
  log.info(signal + ": " + std::to_string(wanted) +
           (wanted == 1 ? " worker wanted" : " workers wanted"));
}

// As pid 1 we inherit the orphans of a container. Of workers their handles take the status.
void Supervisor::State::reap_strangers() {
  while (::getpid() == 1) {
    siginfo_t child{};
    if (::waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT) != 0 || child.si_pid == 0) return;
    if (trial && trial->pid() == child.si_pid) return;
    if (configuring && configuring->run && configuring->run->pid() == child.si_pid) return;
    for (const auto& [worker, record] : records) {
      if (record.handle && record.handle->pid() == child.si_pid) return;
    }
    ::waitpid(child.si_pid, nullptr, 0);
  }
}

void Supervisor::State::set_timer() {
  timer.cancel();
  const auto deadline = finished ? std::nullopt : fleet.next_deadline();
  if (!deadline) return;
  timer.expires_at(*deadline);
  timer.async_wait([this](boost::system::error_code error) {
    if (!error) apply(fleet.tick(now()));
  });
}

Supervisor::Supervisor(SupervisorConfig config, const Log& log) {
  if (config.processes < 1 || config.processes > kMostProcesses || config.worker_command.empty()) {
    throw std::invalid_argument{"a supervisor needs a program, and 1 to 1024 processes of it"};
  }
  state_ = std::make_unique<State>(std::move(config), log);
}

Supervisor::~Supervisor() = default;

void Supervisor::on_serving(std::function<void()> callback) {
  state_->on_serving = std::move(callback);
}

const ReloadHistory& Supervisor::reloads() const { return state_->reloads; }

int Supervisor::run() { return state_->run(); }

}  // namespace spawning
