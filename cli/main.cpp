// SPDX-License-Identifier: MIT
// `spawn`: reads the command line, binds the sockets, and supervises the workers.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "factory.hpp"
#include "help.hpp"
#include "options.hpp"
#include "python.hpp"
#include "service.hpp"
#include "spawning/configurator.hpp"
#include "spawning/error.hpp"
#include "spawning/inheritance.hpp"
#include "spawning/log.hpp"
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

// Factories run as workers do.
Configurator interpreter_of(const SupervisorConfig& config) {
  Configurator interpreter;
  interpreter.command = {config.worker_command.front()};
  interpreter.environment = config.worker_environment;
  interpreter.directory = config.working_directory;
  return interpreter;
}

// Which programs there are, and where they run.
SupervisorConfig programs_of(const Options& given, const std::vector<std::string>& command) {
  const std::string invoked_as = command.empty() ? "" : command.front();
  const PythonSearch search = PythonSearch::of_this_process(given.python, invoked_as);
  const std::string python_path = environment("PYTHONPATH");
  SupervisorConfig config;
  config.worker_command = {find_python(search), "-m", "spawning.worker"};
  config.worker_environment = build_tree_environment(search.executable, python_path);
  for (std::string& name : without_service_manager())
    config.worker_environment.push_back(std::move(name));
  config.working_directory = working_directory(environment("PWD"));
  config.restart_command = restart_command(command);
  config.configurator = configurator_for(given, interpreter_of(config), config.restart_command);
  return config;
}

int supervise(const Options& given, const std::vector<std::string>& command) {
  std::optional<Inheritance> inheritance = inheritance_of(given);
  SupervisorConfig config = programs_of(given, command);
  // What an inherited service is, its supervisor has left.
  const bool asks = !config.configurator.command.empty() && !inheritance;
  const Options options = asks ? with_findings(given, configure(config.configurator)) : given;
  config.watch = watch_config(options, config.working_directory);
  config.processes = options.processes;
  config.boot_timeout = options.boot_timeout;
  config.surge = options.surge;
  config.drain_delay = options.drain_delay;
  config.deadman = options.deadman;
  config.limits = options.replacement;
  if (inheritance && inheritance->on_trial()) return Inheritance::kTrialPassed;

  config.service_manager =
      ServiceManager::of([](const char* name) { return std::getenv(name); }, ::getpid());

  Sockets sockets = inheritance ? adopt_sockets(options, *inheritance)
                                : bind_sockets(options, config.service_manager);
  config.listeners = std::move(sockets.listeners);
  if (options.access_log_file != "-") config.access_log_file = options.access_log_file;
  config.worker_settings = worker_settings(options, sockets.addresses.front());
  config.status = inheritance ? adopt_status(*inheritance) : status_config(options, sockets);
  config.inheritance = std::move(inheritance);

  const Log log{STDERR_FILENO, "supervisor", options.verbose ? LogLevel::debug : LogLevel::info};
  if (options.verbose)
    log.info("python " + config.worker_command.front() + ", configuration " +
             config.worker_settings);
  if (config.status && !config.inheritance)
    log_status_address(log, Address::local(config.status->socket.fd.get()));
  const BoundTo bound{sockets.addresses.front(), asks ? options.host : "", options.port};
  config.configurator.read = plan_reader(given, bound, config.working_directory, log);
  Supervisor supervisor{std::move(config), log};
  supervisor.on_serving([&options, &sockets] {
    std::cout << banner(options, sockets.addresses, ::getpid()) << '\n' << std::flush;
  });
  return supervisor.run();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Options options = parse_options({argv + std::min(argc, 1), argv + argc});
    if (options.help) {
      std::cout << help_text();
      return EXIT_SUCCESS;
    }
    if (options.version) {
      std::cout << "spawning " SPAWNING_VERSION "\n";
      return EXIT_SUCCESS;
    }
    return supervise(options, {argv, argv + argc});
  } catch (const UsageError& error) {
    std::cerr << "spawn: " << error.what() << '\n';
    return kUsage;
  } catch (const ConfigureError& error) {
    std::cerr << error.traceback() << "spawn: --factory: " << error.what() << '\n';
    return kCouldNotStart;
  } catch (const std::exception& error) {
    std::cerr << "spawn: " << error.what() << '\n';
    return kCouldNotStart;
  }
}
