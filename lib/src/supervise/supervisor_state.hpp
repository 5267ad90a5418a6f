// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// A Supervisor from the inside: a Fleet run against real processes.

#include <signal.h>

#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/stop_requests.hpp"
#include "record/standard_streams.hpp"
#include "spawning/asio.hpp"
#include "spawning/scoreboard.hpp"
#include "spawning/status_server.hpp"
#include "spawning/supervisor.hpp"
#include "supervise/code_watch.hpp"
#include "supervise/configure_run.hpp"
#include "supervise/connection_dealer.hpp"
#include "supervise/fleet.hpp"
#include "supervise/plans.hpp"
#include "supervise/re_execution.hpp"
#include "supervise/service_notifier.hpp"
#include "supervise/supervisor_remains.hpp"
#include "supervise/trouble_log.hpp"
#include "supervise/trouble_report.hpp"
#include "supervise/usage_watch.hpp"
#include "supervise/worker_handle.hpp"
#include "supervise/worker_health.hpp"

namespace spawning {

/// What happens (signals, messages, exits, time) becomes an event of the Fleet; what it wants done
/// is carried out at once.
struct Supervisor::State {
  struct Record : WorkerRecord {
    std::unique_ptr<WorkerHandle> handle;  // none if the process could not be started
    bool gone = false;
    std::optional<Bytes> memory;  // when it was measured…
    Fleet::Time memory_since;     // …and when that was
  };
  /// A run of the configurator, for a reload.
  struct Configuring {
    std::string cause;
    std::chrono::system_clock::time_point began;
    std::optional<std::string> next{};  // why there shall be another reload after it
    std::unique_ptr<ConfigureRun> run{};
  };

  State(SupervisorConfig c, const Log& l);

  int run();
  /// Of the program that this process ran before, until all of it is taken over; nullptr: there is
  /// none.
  [[nodiscard]] const SupervisorRemains* before() const;
  static Fleet::Time now() { return std::chrono::steady_clock::now(); }

  // supervisor.cpp: signals and time.
  static sigset_t our_signals();
  void await_signals();
  void await_signal();
  void act_on(int signal);
  void stop(const std::string& signal);
  void reload(const std::string& cause);
  void scale(const std::string& signal, int change);
  void reap_strangers();
  void set_timer();

  // supervisor_logs.cpp: files that lines are appended to.
  [[nodiscard]] UniqueFd open_access_log() const;
  void leave_the_foreground();
  void give_streams();
  void reopen_logs();
  void reopen_streams();
  void reopen_access_log();

  // supervisor_actions.cpp: what the Fleet wants done.
  void apply(Actions more);
  void turn_newcomers_away();
  void stop_listening();
  void end_handing_over();
  void carry_out(const action::Spawn& spawn);
  void carry_out(const action::Serve& serve);
  void carry_out(const action::AnnounceClose& announce);
  void carry_out(const action::Drain& drain);
  void carry_out(const action::Kill& kill);
  [[nodiscard]] std::string lost_by(const Record& record) const;
  void tell_to_finish(Record& record);
  void drain_next();
  void drain_rest();
  void carry_out(const action::Report& report);
  void carry_out(const action::Replacing& replacing);
  [[nodiscard]] static Restart restart_of(const WorkerDescription& worker, std::string reason,
                                          std::string summary);
  void carry_out(const action::Serving& serving);
  void carry_out(const action::Finish& finish);
  [[nodiscard]] WorkerStart start_of(const action::Spawn& spawn) const;

  // supervisor_configuration.cpp: what the service is to be after a reload.
  void configure_for(const std::string& cause);
  void conclude(ConfigureRun::Outcome outcome);
  void reload_by(const Configuring& attempt, ServicePlan plan);
  void refuse_reload(const Configuring& attempt, control::Failed failure);

  // supervisor_workers.cpp: what workers say and do.
  [[nodiscard]] WorkerHandle::Callbacks callbacks_for(WorkerId worker);
  void hear(WorkerId worker, control::Message&& message, std::vector<UniqueFd> descriptors);
  void deal_out(WorkerId giver, control::Connections connections, std::vector<UniqueFd> sockets);
  [[nodiscard]] std::vector<Record*> takers(WorkerId giver, const std::vector<unsigned>& slots);
  [[nodiscard]] ConnectionDealer::Taker business_of(const Record& record) const;
  [[nodiscard]] bool has_nothing_left(const Record& record) const;
  [[nodiscard]] bool anybody_serves() const;
  [[nodiscard]] std::vector<UsageWatch::Subject> subjects() const;
  [[nodiscard]] bool healthy();
  void replace(WorkerId worker, ReplaceReason reason, const WorkerUsage& used);
  void end(WorkerId worker, ExitStatus exit);

  // supervisor_status.cpp: how the service is.
  [[nodiscard]] StatusReport report();
  [[nodiscard]] StatusSample sample();
  [[nodiscard]] WorkerReport report_of(const Record& record) const;
  void list_requests(StatusReport& report) const;
  void measure_memory(std::chrono::seconds age);

  // supervisor_re_execution.cpp: another program in the place of this one.
  void try_next_program();
  void judge_next_program(const std::string& objection);
  void execute_next_program();
  [[nodiscard]] SupervisorRemains remains() const;
  [[nodiscard]] std::optional<std::string> reload_asked() const;
  void go_on_from(const SupervisorRemains& left);

  SupervisorConfig config;
  const Log& log;
  Scoreboard scoreboard;
  StandardStreams streams{config.output_file, config.error_file};
  UniqueFd access_log;  // none if there is no such file
  Fleet fleet;
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
  std::optional<ServiceNotifier> notifier;  // until the end
  WorkerHealth health;
  std::optional<StatusServer> status_server;  // until the end
  int status_socket = -1;                     // the server's
  std::chrono::system_clock::time_point started = std::chrono::system_clock::now();
  Restarts restarts;  // of workers
  TroubleLog trouble_log{context, log, config.boot_timeout};
  ReloadHistory reloads;
  std::string reload_cause = "start";  // of the generation that comes next
  std::uint64_t newest_generation = 0;
  std::deque<Action> actions;
  Plans plans;
  std::optional<Configuring> configuring;
  ConnectionDealer dealer;
  std::deque<WorkerId> to_drain;  // once it is their turn
  bool draining_in_turn = false;
  boost::asio::steady_timer drain_timer{context};
  const Program next_program{config.restart_command, config.restart_directory};
  StopRequests stop_requests;
  std::optional<Trial> trial;  // of the next program
  bool trial_passed = false;
  std::function<void()> on_serving;
  bool serves = false;
  bool finished = false;
  int status = 1;
};

}  // namespace spawning
