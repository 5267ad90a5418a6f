// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// From options to a service: its sockets, what its workers are told, and how it announces itself.

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "options.hpp"
#include "spawning/address.hpp"
#include "spawning/inheritance.hpp"
#include "spawning/listening_socket.hpp"
#include "spawning/log.hpp"
#include "spawning/service_manager.hpp"
#include "spawning/supervisor.hpp"

namespace spawning::cli {

/// The listening sockets.
struct Sockets {
  std::vector<ListeningSocket> listeners;
  std::vector<Address> addresses;  ///< what they are bound to, in the same order
};

/// Binds what the options say, under their umask, which this process keeps. Sockets of the service
/// manager replace host and port, as --bind does, which replaces them, too.
/// \throws StartupError that names the option.
[[nodiscard]] Sockets bind_sockets(const Options& options, const ServiceManager& manager = {});

/// Binds the socket of the status server, if there is to be one. \throws StartupError that names the
/// option; UsageError if it is to have a port of the service's.
[[nodiscard]] std::optional<StatusConfig> status_config(const Options& options,
                                                        const Sockets& sockets);

/// The options with the number of processes that there is room for, if it is "auto"; says what decided.
[[nodiscard]] Options with_capacity(Options options, const Log& log);

/// How this process and its workers log: --log-level counts for more than --verbose.
[[nodiscard]] LogOptions log_options(const Options& options);

/// Says where the status is, and warns if others than this machine can see it.
void log_status_address(const Log& log, const Address& address);

/// Warns if others than this machine can see what --coverage and --sysinfo show.
void warn_of_insight(const Log& log, const Options& options, const std::vector<Address>& addresses);

/// The sockets that a supervisor which has executed itself anew had bound, under the umask again.
[[nodiscard]] Sockets adopt_sockets(const Options& options, Inheritance& inheritance);

/// …and that of its status server.
[[nodiscard]] std::optional<StatusConfig> adopt_status(Inheritance& inheritance);

/// Binds the socket of the backdoor, if there is to be one; a UNIX socket has the mode 0600. Says
/// where it is; if it cannot be bound, why, and does without.
[[nodiscard]] std::optional<ListeningSocket> bind_backdoor(const Options& options, const Log& log);

/// What a supervisor that executes itself anew executes: `command`, its own, without what it has
/// put into it the last time.
[[nodiscard]] std::vector<std::string> restart_command(std::vector<std::string> command);

/// What every worker is told: a JSON object with Spawning's names on one line. What concerns HTTP is
/// an object of its own, "http": the names are those of the options, with underscores; sizes are in
/// octets, times in seconds. What a factory has found is there under other names.
/// \param address             the first one bound.
/// \param coverage_directory  for --coverage. \see CoverageDirectory
/// \param backdoor            its address; "" if there is none.
[[nodiscard]] std::string worker_settings(const Options& options, const Address& address,
                                          const std::string& coverage_directory = "",
                                          const std::string& backdoor = "");

/// Where this process works, as its user thinks of it: `pwd`, symlinks and all, if it leads here,
/// else without any. A symlink on the way may lead elsewhere later.
/// \param pwd  $PWD; "" if not set.
[[nodiscard]] std::string working_directory(const std::string& pwd);

/// What a service manager has said to this process, and workers might take for theirs: names of
/// variables for them to be without. \see SupervisorConfig::worker_environment
[[nodiscard]] std::vector<std::string> without_service_manager();

/// What every worker's environment has on top of this process's, or has not: --env, what a build tree
/// needs, and nothing of a service manager's. \see build_tree_environment
[[nodiscard]] std::vector<std::string> worker_environment(const Options& options,
                                                          const std::string& executable,
                                                          const std::string& python_path);

/// What is to be watched, of relative paths those below `directory`.
[[nodiscard]] WatchConfig watch_config(const Options& options, const std::string& directory);

/// "spawning 0.1.0 serving http://127.0.0.1:8080/ — 4 processes × 4 threads, pid 1234", without a newline.
[[nodiscard]] std::string banner(const Options& options, const std::vector<Address>& addresses,
                                 pid_t pid);

/// The environment that lets a worker import the Python package of a build tree, where `executable` is
/// <build>/cli/spawn and <build>/python/spawning exists; empty elsewhere. SPAWNING_PYTHONPATH_ADDED
/// tells the worker what to take out of PYTHONPATH again.
/// \param python_path  $PYTHONPATH; "" if not set.
[[nodiscard]] std::vector<std::string> build_tree_environment(const std::string& executable,
                                                              const std::string& python_path);

}  // namespace spawning::cli
