// SPDX-License-Identifier: MIT
// `spawn`: reads the command line, binds the sockets, and supervises the workers.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coverage_directory.hpp"
#include "help.hpp"
#include "options.hpp"
#include "python.hpp"
#include "service.hpp"
#include "spawning/error.hpp"
#include "spawning/inheritance.hpp"
#include "spawning/log.hpp"
#include "spawning/status_top.hpp"
#include "spawning/supervisor.hpp"

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

int supervise(const Options& options, const std::vector<std::string>& command, const Log& log) {
  std::optional<Inheritance> inheritance = inheritance_of(options);
  const std::string invoked_as = command.empty() ? "" : command.front();
  const PythonSearch search = PythonSearch::of_this_process(options.python, invoked_as);
  const std::string python_path = environment("PYTHONPATH");
  SupervisorConfig config;
  config.worker_command = {find_python(search), "-m", "spawning.worker"};
  config.worker_environment = build_tree_environment(search.executable, python_path);
  for (std::string& name : without_service_manager())
    config.worker_environment.push_back(std::move(name));
  config.worker_environment.emplace_back(CoverageDirectory::kVariable);
  config.working_directory = working_directory(environment("PWD"));
  config.watch = watch_config(options, config.working_directory);
  config.processes = options.processes;
  config.boot_timeout = options.boot_timeout;
  config.surge = options.surge;
  config.drain_delay = options.drain_delay;
  config.deadman = options.deadman;
  config.limits = options.replacement;
  config.restart_command = restart_command(command);
  if (inheritance && inheritance->on_trial()) return Inheritance::kTrialPassed;

  config.service_manager =
      ServiceManager::of([](const char* name) { return std::getenv(name); }, ::getpid());

  Sockets sockets = inheritance ? adopt_sockets(options, *inheritance)
                                : bind_sockets(options, config.service_manager);
  config.listeners = std::move(sockets.listeners);
  config.console = inheritance ? inheritance->take_console() : bind_backdoor(options, log);
  if (options.access_log_file != "-") config.access_log_file = options.access_log_file;
  std::optional<CoverageDirectory> coverage;
  if (options.coverage) coverage.emplace(inheritance.has_value());
  config.worker_settings = worker_settings(options, sockets.addresses.front(),
                                           coverage ? coverage->path() : std::string{},
                                           config.console ? &*config.console : nullptr);
  config.status = inheritance ? adopt_status(*inheritance) : status_config(options, sockets);
  config.inheritance = std::move(inheritance);

  if (options.verbose)
    log.info("python " + config.worker_command.front() + ", configuration " +
             config.worker_settings);
  if (config.status && !config.inheritance)
    log_status_address(log, Address::local(config.status->socket.fd.get()));
  if (!config.inheritance) warn_of_insight(log, options, sockets.addresses);
  Supervisor supervisor{std::move(config), log};
  supervisor.on_serving([&options, &sockets] {
    std::cout << banner(options, sockets.addresses, ::getpid()) << '\n' << std::flush;
  });
  return supervisor.run();
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

int run(const Options& options, const std::vector<std::string>& command) {
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
    return run(parse_options({argv + std::min(argc, 1), argv + argc}), {argv, argv + argc});
  } catch (const std::exception& error) {  // a UsageError before it is known how to log
    std::cerr << "spawn: " << error.what() << '\n';
    return kUsage;
  }
}
