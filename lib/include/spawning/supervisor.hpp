// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Keeping a service of several worker processes alive.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "spawning/background.hpp"
#include "spawning/bytes.hpp"
#include "spawning/configurator.hpp"
#include "spawning/export.hpp"
#include "spawning/inheritance.hpp"
#include "spawning/listening_socket.hpp"
#include "spawning/log.hpp"
#include "spawning/pidfile.hpp"
#include "spawning/reload_history.hpp"
#include "spawning/service_manager.hpp"
#include "spawning/user_identity.hpp"

namespace SPAWNING_EXPORT spawning {

/// What makes a worker that serves go, successor first and one at a time, although nothing is wrong
/// with it. Zero: nothing. It serves until its successor does, beyond each of these.
struct ReplacementLimits {
  /// That it has served. Workers which began together are replaced spread over the last quarter.
  std::chrono::milliseconds age{0};
  std::uint64_t requests = 0;         ///< that it has answered…
  std::uint64_t requests_jitter = 0;  ///< …and up to so many more, another number for each worker
  Bytes worker_memory{0};             ///< that it uses
  /// That all workers use together: the largest goes, and once it has gone they are measured again.
  Bytes memory{0};
};

/// What makes a Supervisor reload by itself. \see FileWatcher
struct WatchConfig {
  std::vector<std::string> paths;  ///< files and directories, absolute; they may appear later
  /// Also the files that workers report as their modules. Then even the first generation's failure
  /// to load does not end run(): a developer is about to mend it.
  bool modules = false;
  std::optional<std::chrono::milliseconds> poll{};  ///< look so often, and do without inotify
};

/// Where a Supervisor shows how the service is. \see StatusServer
struct StatusConfig {
  ListeningSocket socket;
  std::string version;  ///< shown as it is
};

/// What a Supervisor supervises.
struct SupervisorConfig {
  std::vector<ListeningSocket> listeners;  ///< kept open until the service stops
  /// A socket beside those for HTTP: for a protocol of the application's side, with people who look
  /// into the service. Workers share it while they serve. \see Worker::accept_at_console
  std::optional<ListeningSocket> console;
  std::vector<std::string> worker_command;  ///< the program's path and its arguments
  /// "NAME=VALUE", on top of this process's; "NAME": without that variable.
  std::vector<std::string> worker_environment;
  std::string worker_settings;  ///< JSON on one line, passed to every worker as it is
  /// Run before each reload; what it says counts from that generation on. If it fails, so does the
  /// reload: nothing changes, and the log says why.
  Configurator configurator{};
  /// Opened for appending before the first worker starts, and again on USR1; each worker gets a
  /// descriptor. "": none.
  std::string access_log_file;
  /// Opened for appending at the start, and again on USR1, and then standard output, and error, of
  /// this process and of all workers: from the beginning of run(), or, in the background, from when
  /// the first generation serves. "": that stream stays as it is.
  std::string output_file, error_file;
  /// Whose the log files are that are created while this process is somebody else, whom it is about
  /// to become. \see UserIdentity::assume
  std::optional<UserIdentity> log_owner;
  /// Where workers start: a path that is resolved for each of them anew, so that it may lead over
  /// a symlink that is turned elsewhere before a reload. "": where this process is.
  std::string working_directory;
  WatchConfig watch;       ///< when to reload unasked
  unsigned processes = 4;  ///< workers wanted, 1–1024
  /// How many more a reload may make. 0, or as many: all of a generation get ready before one of it
  /// serves. With fewer, workers succeed each other, so many at a time; a failure then ends the
  /// reload where it is.
  unsigned surge = 0;
  /// From being asked to stop to accepting nobody any more; answers say `Connection: close`.
  std::chrono::milliseconds drain_delay{0};
  std::chrono::milliseconds deadman{10'000};  ///< what a draining worker may take before SIGKILL
  std::chrono::milliseconds boot_timeout{60'000};  ///< from start to ready
  std::chrono::milliseconds longest_backoff{
      30'000};  ///< between respawns of a worker that keeps dying
  ReplacementLimits limits;
  ServiceManager service_manager;  ///< told how the service is
  std::optional<StatusConfig> status;
  std::optional<Pidfile> pidfile;  ///< removed when the Supervisor has gone
  Background background;           ///< is told when the first generation serves
  /// What SIGUSR2 executes in place of this program: a path, or a name to look up in $PATH, and
  /// arguments, in front of which `-z JSON` is put. Whoever is started with that makes an
  /// Inheritance of it. Empty: nothing.
  std::vector<std::string> restart_command;
  std::string restart_directory;  ///< where, resolved anew each time. "": where this process is
  std::optional<Inheritance> inheritance;  ///< what to go on with, whose sockets are `listeners`
};

/// Starts the workers, replaces those that die, and acts on signals: TERM and INT stop gracefully,
/// a second one, half a second later or more, or QUIT at once; HUP reloads; TTIN and TTOU change the
/// number of workers; USR1 opens the log files anew. A change of a watched file reloads, too; the log
/// names it. Workers log to standard error, at the level and in the style of `log`.
///
/// USR2 executes the next program in place of this one: same process, sockets, workers and
/// counters; nobody else notices. First that program starts as a child, on trial. If it fails, or
/// there is none, this one goes on, and the log says why.
///
/// Workers of the very first generation serve as they get ready. If one of them cannot be loaded, or
/// one place's workers die twice before all serve, run() says why, once, and ends (but see
/// WatchConfig::modules). Later failures never end it: what serves goes on serving. The files that a
/// failure names are watched too, if any are.
///
/// \par Threads   One object a process, on one thread; signals are handled while run() runs.
/// \par Lifetime  `log` outlives it.
class Supervisor {
 public:
  /// \throws std::invalid_argument if there is no command or the number of processes is out of range.
  /// \throws StartupError if a log file cannot be opened.
  Supervisor(SupervisorConfig config, const Log& log);
  ~Supervisor();

  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  /// Called once, when all workers of the first generation serve.
  void on_serving(std::function<void()> callback);

  /// What has become of the start and of the latest reloads. Lives as long as the Supervisor.
  [[nodiscard]] const ReloadHistory& reloads() const;

  /// Runs until stopped; every worker has ended when it returns.
  /// \returns the exit status: 0 after a stop that was asked for, 1 if the service could not start.
  [[nodiscard]] int run();

 private:
  struct SPAWNING_PRIVATE State;
  std::unique_ptr<State> state_;
};

}  // namespace spawning
