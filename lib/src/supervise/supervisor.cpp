// SPDX-License-Identifier: MIT
#include "spawning/supervisor.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <map>
#include <optional>
#include <stdexcept>
#include <utility>

#include "spawning/asio.hpp"
#include "spawning/error.hpp"
#include "spawning/scoreboard.hpp"
#include "supervise/code_watch.hpp"
#include "supervise/connection_dealer.hpp"
#include "supervise/fleet.hpp"
#include "supervise/trouble_report.hpp"
#include "supervise/usage_watch.hpp"
#include "supervise/worker_handle.hpp"

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
  fleet.deadman = config.deadman;
  fleet.boot_timeout = config.boot_timeout;
  fleet.longest_backoff = config.longest_backoff;
  fleet.max_age = config.limits.age;
  return fleet;
}

// Whoever started us may have blocked signals that we act on. A pipe that nobody reads any more is
// no reason to end either.
void prepare_signals() {
  sigset_t ours;
  ::sigemptyset(&ours);
  for (int signal : kSignals) ::sigaddset(&ours, signal);
  if (::sigprocmask(SIG_UNBLOCK, &ours, nullptr) != 0) throw_last_error("sigprocmask");
  if (::signal(SIGPIPE, SIG_IGN) == SIG_ERR) throw_last_error("signal");
}

}  // namespace

struct Supervisor::State {
  struct Record {
    WorkerDescription description;
    std::unique_ptr<WorkerHandle> handle;     // none if the process could not be started
    std::optional<Fleet::Time> serves_since;  // while it serves
    CodeWatch::WallTime started = std::chrono::system_clock::now();
    bool draining = false;
    bool handing_over = false;  // while it drains
    bool killed = false;
    bool gone = false;
  };

  State(SupervisorConfig c, const Log& l)
      : config{std::move(c)},
        log{l},
        fleet{fleet_config(config)},
        scoreboard{Scoreboard::create(kSlots)} {}

  int run() {
    prepare_signals();
    raise_descriptor_limit();
    for (int signal : kSignals) signals.add(signal);
    await_signal();
    watch.emplace(context, config.watch, log, [this] { apply(fleet.reload(now())); });
    apply(fleet.start(now()));
    usage.start();
    context.run();
    return status;
  }

  static Fleet::Time now() { return std::chrono::steady_clock::now(); }

  // --- signals ---

  void await_signal() {
    signals.async_wait([this](boost::system::error_code error, int signal) {
      if (error || finished) return;  // a signal that came just before the cancel is no error
      await_signal();
      act_on(signal);
    });
  }

  void act_on(int signal) {
    switch (signal) {
      case SIGTERM:
      case SIGINT:
        return stop(signal == SIGTERM ? "SIGTERM" : "SIGINT");
      case SIGQUIT:
        log.info("SIGQUIT: stopping at once");
        return apply(fleet.stop_now(now()));
      case SIGHUP:
        log.info("SIGHUP: reloading");
        return apply(fleet.reload(now()));
      case SIGTTIN:
        return scale("SIGTTIN", +1);
      case SIGTTOU:
        return scale("SIGTTOU", -1);
      case SIGUSR1:
        return log.debug("SIGUSR1: no log file is open that could be reopened");
      case SIGUSR2:
        return log.debug("SIGUSR2: ignored");
      case SIGCHLD:
        return reap_strangers();
      default:
        return;
    }
  }

  void stop(const std::string& signal) {
    log.info(signal +
             (fleet.stopping() ? " again: stopping at once" : ": stopping, requests may finish"));
    apply(fleet.stop(now()));
    for (auto& [worker, record] : records) {  // there are no siblings any more
      if (std::exchange(record.handing_over, false))
        record.handle->say(control::Drain{config.deadman});
    }
  }

  void scale(const std::string& signal, int change) {
    apply(fleet.scale(change, now()));
    log.info(signal + ": " + std::to_string(fleet.processes()) + " workers wanted");
  }

  // As pid 1 we inherit the orphans of a container. Of workers their handles take the status.
  void reap_strangers() {
    while (::getpid() == 1) {
      siginfo_t child{};
      if (::waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT) != 0 || child.si_pid == 0) return;
      for (const auto& [worker, record] : records) {
        if (record.handle && record.handle->pid() == child.si_pid) return;
      }
      ::waitpid(child.si_pid, nullptr, 0);
    }
  }

  // --- actions ---

  // Carries actions out in order, those included that follow from failing to start a process.
  void apply(Actions more) {
    const bool nested = !actions.empty();
    actions.insert(actions.end(), more.begin(), more.end());
    if (nested) return;
    while (!actions.empty()) {
      const Action next = actions.front();
      std::visit([this](const auto& each) { carry_out(each); }, next);
      actions.pop_front();
    }
    std::erase_if(records, [](const auto& each) { return each.second.gone; });
    if (fleet.stopping())
      config.listeners.clear();  // so that clients are refused, and do not wait in vain
    set_timer();
  }

  void carry_out(const action::Spawn& spawn) {
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

  void carry_out(const action::Serve& serve) {
    Record& record = records.at(serve.worker);
    record.serves_since = now();
    usage.begins(serve.worker, record.description.pid);
    record.handle->say(control::Serve{});
    log.debug(record.description.name() + " serves");
  }

  void carry_out(const action::Drain& drain) {
    Record& record = records.at(drain.worker);
    record.serves_since.reset();
    record.draining = true;
    record.handing_over = !fleet.stopping();
    record.handle->say(control::Drain{drain.deadline, record.handing_over});
    log.debug(record.description.name() + " is told to finish");
  }

  void carry_out(const action::Kill& kill) {
    Record& record = records.at(kill.worker);
    if (kill.overdue && (record.draining || record.serves_since))
      log.warning(record.description.name() + " did not end in time and is killed");
    record.serves_since.reset();
    record.killed = true;
    if (!record.handle) return;  // it failed to start since this was decided
    if (kill.overdue) return record.handle->kill_once_explained();
    record.handle->kill();
  }

  void carry_out(const action::Report& report) {
    log_trouble(log, report, records.at(report.worker).description, config.boot_timeout);
  }

  void carry_out(const action::Replacing& replacing) {
    Record& record = records.at(replacing.worker);
    if (replacing.reason == ReplaceReason::age) {
      record.description.usage.served =
          std::chrono::round<std::chrono::seconds>(now() - record.serves_since.value_or(now()));
    }
    log_replacement(log, replacing, record.description);
  }

  void carry_out(const action::Serving& serving) {
    const std::string generation = "generation " + std::to_string(serving.generation);
    if (on_serving) std::exchange(on_serving, nullptr)();
    log.debug(generation + " serves");
    if (std::exchange(serves, true)) log.info("reloaded: " + generation + " serves");
  }

  void carry_out(const action::Finish& finish) {
    status = finish.status;
    signals.cancel();
    usage.stop();
    watch.reset();
    finished = true;
  }

  WorkerStart start_of(const action::Spawn& spawn) const {
    WorkerStart start;
    start.slot = spawn.slot;
    start.generation = spawn.generation;
    start.scoreboard = scoreboard.fd();
    for (const UniqueFd& listener : config.listeners) start.listeners.push_back(listener.get());
    start.command = config.worker_command;
    start.environment = config.worker_environment;
    start.directory = config.working_directory;
    return start;
  }

  // --- workers ---

  WorkerHandle::Callbacks callbacks_for(WorkerId worker) {
    return {[this, worker](control::Message&& message, std::vector<UniqueFd> descriptors) {
              hear(worker, std::move(message), std::move(descriptors));
            },
            [this, worker] { apply(fleet.hung_up(worker, now())); },
            [this, worker](ExitStatus exit) { end(worker, exit); }};
  }

  void hear(WorkerId worker, control::Message&& message, std::vector<UniqueFd> descriptors) {
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

  void deal_out(control::Connections connections, std::vector<UniqueFd> sockets) {
    std::vector<WorkerHandle*> takers;
    for (const auto& [worker, record] : records) {
      if (record.serves_since && !record.gone) takers.push_back(record.handle.get());
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

  std::vector<UsageWatch::Subject> subjects() const {
    std::vector<UsageWatch::Subject> all;
    for (const auto& [worker, record] : records) {
      const WorkerDescription& description = record.description;
      all.push_back({worker, description.pid, description.slot, record.serves_since.has_value()});
    }
    return all;
  }

  void replace(WorkerId worker, ReplaceReason reason, const WorkerUsage& used) {
    records.at(worker).description.usage = used;
    apply(fleet.replace(worker, reason, now()));
  }

  void end(WorkerId worker, ExitStatus exit) {
    Record& record = records.at(worker);
    record.description.end = exit.to_string();
    record.gone = true;
    if (record.draining && !record.killed && !exit.success()) {
      log.warning(record.description.name() + " " + record.description.end +
                  " while it finished its requests");
    } else {
      log.debug(record.description.name() + " " + record.description.end);
    }
    scoreboard.slot(record.description.slot).clear();
    apply(fleet.exited(worker, now()));
    reap_strangers();  // they may have waited behind this one
  }

  void set_timer() {
    timer.cancel();
    const auto deadline = finished ? std::nullopt : fleet.next_deadline();
    if (!deadline) return;
    timer.expires_at(*deadline);
    timer.async_wait([this](boost::system::error_code error) {
      if (!error) apply(fleet.tick(now()));
    });
  }

  SupervisorConfig config;
  const Log& log;
  Fleet fleet;
  Scoreboard scoreboard;
  IoContext context{1};
  boost::asio::signal_set signals{context};
  boost::asio::steady_timer timer{context};
  std::optional<CodeWatch> watch;  // until the end
  std::map<WorkerId, Record> records;
  UsageWatch usage{context,
                   config.limits,
                   scoreboard,
                   log,
                   {[this] { return subjects(); },
                    [this](WorkerId worker, ReplaceReason reason, const WorkerUsage& used) {
                      replace(worker, reason, used);
                    }}};
  std::deque<Action> actions;
  ConnectionDealer dealer;
  std::function<void()> on_serving;
  bool serves = false;
  bool finished = false;
  int status = 1;
};

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

int Supervisor::run() { return state_->run(); }

}  // namespace spawning
