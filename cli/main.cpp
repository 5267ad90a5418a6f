// SPDX-License-Identifier: MIT
// `spawn`: reads the command line, binds the sockets, and supervises the workers.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "help.hpp"
#include "options.hpp"
#include "python.hpp"
#include "service.hpp"
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

int supervise(const Options& options, const std::string& invoked_as) {
  const PythonSearch search = PythonSearch::of_this_process(options.python, invoked_as);
  const std::string python_path = environment("PYTHONPATH");
  SupervisorConfig config;
  config.worker_command = {find_python(search), "-m", "spawning.worker"};
  config.worker_environment = build_tree_environment(search.executable, python_path);
  for (std::string& name : without_service_manager())
    config.worker_environment.push_back(std::move(name));
  config.working_directory = working_directory(environment("PWD"));
  config.watch = watch_config(options, config.working_directory);
  config.processes = options.processes;
  config.boot_timeout = options.boot_timeout;
  config.surge = options.surge;
  config.drain_delay = options.drain_delay;
  config.deadman = options.deadman;
  config.limits = options.replacement;

  config.service_manager =
      ServiceManager::of([](const char* name) { return std::getenv(name); }, ::getpid());

  Sockets sockets = bind_sockets(options, config.service_manager);
  config.listeners = std::move(sockets.listeners);
  config.worker_settings = worker_settings(options, sockets.addresses.front());
  config.status = status_config(options, sockets);

  const Log log{STDERR_FILENO, "supervisor", options.verbose ? LogLevel::debug : LogLevel::info};
  if (options.verbose)
    log.info("python " + config.worker_command.front() + ", configuration " +
             config.worker_settings);
  if (config.status) log_status_address(log, Address::local(config.status->socket.fd.get()));
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
    return supervise(options, argc > 0 ? argv[0] : "");
  } catch (const UsageError& error) {
    std::cerr << "spawn: " << error.what() << '\n';
    return kUsage;
  } catch (const std::exception& error) {
    std::cerr << "spawn: " << error.what() << '\n';
    return kCouldNotStart;
  }
}
