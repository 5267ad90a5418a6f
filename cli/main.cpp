// SPDX-License-Identifier: MIT
// `spawn`: reads the command line, binds the sockets, and supervises the workers.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coverage_directory.hpp"
#include "daemon.hpp"
#include "help.hpp"
#include "options.hpp"
#include "python.hpp"
#include "service.hpp"
#include "spawning/background.hpp"
#include "spawning/error.hpp"
#include "spawning/inheritance.hpp"
#include "spawning/log.hpp"
#include "spawning/status_top.hpp"
#include "spawning/supervisor.hpp"
#include "spawning/user_identity.hpp"

namespace {

using namespace spawning;
using namespace spawning::cli;

constexpr int kCouldNotStart = 1;
constexpr int kUsage = 2;

// "" if it is not set.
std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::optional<Inheritance> inheritance_of(const Options& options) {
  if (options.restart_args.empty()) return std::nullopt;
  try {
    return Inheritance{options.restart_args};
  } catch (const StartupError& error) {
    throw UsageError{"--z-restart-args: " + std::string{error.what()}};
  }
}

// argv[0] in a form that does not depend on the current directory.
std::string invoked_as(const std::vector<std::string>& command) {
  const std::string name = command.empty() ? "" : command.front();
  return name.find('/') == std::string::npos ? name : std::filesystem::absolute(name).string();
}

// All but what is to be bound, opened or taken over. Enters the directory that it is to work in.
SupervisorConfig plan(const Options& options, const std::vector<std::string>& command) {
  const PythonSearch search = PythonSearch::of_this_process(options.python, invoked_as(command));
  SupervisorConfig config;
  config.restart_command = restart_command(command);
  config.restart_directory = working_directory(environment("PWD"));
  config.working_directory = enter_directory(options, config.restart_directory);
  config.worker_command = {find_python(search), "-m", "spawning.worker"};
  config.worker_environment =
      worker_environment(options, search.executable, environment("PYTHONPATH"));
  config.worker_environment.emplace_back(CoverageDirectory::kVariable);
  config.watch = watch_config(options, config.working_directory);
  config.processes = options.processes;
  config.boot_timeout = options.boot_timeout;
  config.surge = options.surge;
  config.drain_delay = options.drain_delay;
  config.deadman = options.deadman;
  config.limits = options.replacement;
  if (options.access_log_file != "-") config.access_log_file = options.access_log_file;
  direct_streams(options, config);
  return config;
}

// Runs the service; `identity`: as whom, from when everything is open.
int run(const Options& options, SupervisorConfig config, const std::vector<Address>& addresses,
        const std::optional<UserIdentity>& identity, const Log& log) {
  std::optional<CoverageDirectory> coverage;
  if (options.coverage) coverage.emplace(config.inheritance.has_value());
  config.worker_settings =
      worker_settings(options, addresses.front(), coverage ? coverage->path() : std::string{},
                      config.console ? &*config.console : nullptr);
  if (options.verbose)
    log.info("python " + config.worker_command.front() + ", configuration " +
             config.worker_settings);
  if (config.status && !config.inheritance)
    log_status_address(log, Address::local(config.status->socket.fd.get()));
  if (!config.inheritance) warn_of_insight(log, options, addresses);
  Supervisor supervisor{std::move(config), log};
  if (identity) become(*identity);
  supervisor.on_serving([&options, &addresses] {
    std::cout << banner(options, addresses, ::getpid()) << '\n' << std::flush;
  });
  return supervisor.run();
}

int start(const Options& options, SupervisorConfig config, const Log& log) {
  const auto identity = identity_of(options);
  config.log_owner = identity;
  config.pidfile = acquire_pidfile(options);
  Sockets sockets = bind_sockets(options, config.service_manager);
  config.status = status_config(options, sockets);
  config.console = bind_backdoor(options, log);
  config.listeners = std::move(sockets.listeners);
  if (identity) give_sockets(config, *identity);
  return run(options, std::move(config), sockets.addresses, identity, log);
}

// In the place of another program, which has done all that start() does.
int go_on(const Options& options, SupervisorConfig config, Inheritance inheritance,
          const Log& log) {
  Sockets sockets = adopt_sockets(options, inheritance);
  config.pidfile = inheritance.take_pidfile();
  config.status = adopt_status(inheritance);
  config.console = inheritance.take_console();
  config.listeners = std::move(sockets.listeners);
  config.inheritance = std::move(inheritance);
  return run(options, std::move(config), sockets.addresses, std::nullopt, log);
}

int supervise(const Options& options, const std::vector<std::string>& command, const Log& log) {
  std::optional<Inheritance> inheritance = inheritance_of(options);
  Background background;
  if (options.daemonize && !inheritance) background = Background::enter();
  SupervisorConfig config = plan(options, command);
  if (inheritance && inheritance->on_trial()) return Inheritance::kTrialPassed;
  config.background = std::move(background);
  config.service_manager =
      ServiceManager::of([](const char* name) { return std::getenv(name); }, ::getpid());
  if (inheritance) return go_on(options, std::move(config), *std::move(inheritance), log);
  return start(options, std::move(config), log);
}

// A terminal that says it is dumb, or nothing, is written to as a file is.
int show_status(const StatusUrl& url) {
  const std::string terminal = environment("TERM");
  if (::isatty(STDOUT_FILENO) == 1 && !terminal.empty() && terminal != "dumb") {
    return watch_status(url, {.screen = STDOUT_FILENO,
                              .keyboard = STDIN_FILENO,
                              .colour = environment("NO_COLOR").empty()});
  }
  std::signal(SIGPIPE, SIG_IGN);
  print_status(url, STDOUT_FILENO);
  return EXIT_SUCCESS;
}

// What keeps it from starting: for people one plain line, which tells no time and no pid.
int refuse(const Log& log, const std::exception& error, int status) {
  if (log.options().style == LogStyle::json) {
    log.error(error.what());
  } else {
    std::cerr << "spawn: " << error.what() << '\n';
  }
  return status;
}

int act(const Options& options, const std::vector<std::string>& command) {
  if (options.help) {
    std::cout << help_text();
    return EXIT_SUCCESS;
  }
  if (options.version) {
    std::cout << "spawning " SPAWNING_VERSION "\n";
    return EXIT_SUCCESS;
  }
  const Log log{STDERR_FILENO, "supervisor", log_options(options)};
  try {
    if (options.top) return show_status(*options.top);
    return supervise(options, command, log);
  } catch (const UsageError& error) {
    return refuse(log, error, kUsage);
  } catch (const std::exception& error) {
    return refuse(log, error, kCouldNotStart);
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    open_standard_streams();
    return act(parse_options({argv + std::min(argc, 1), argv + argc}), {argv, argv + argc});
  } catch (const std::exception& error) {  // a UsageError before it is known how to log
    std::cerr << "spawn: " << error.what() << '\n';
    return kUsage;
  }
}
