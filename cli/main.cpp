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

#include "check.hpp"
#include "coverage_directory.hpp"
#include "daemon.hpp"
#include "factory.hpp"
#include "help.hpp"
#include "options.hpp"
#include "print_config.hpp"
#include "programs.hpp"
#include "service.hpp"
#include "spawning/background.hpp"
#include "spawning/configurator.hpp"
#include "spawning/error.hpp"
#include "spawning/inheritance.hpp"
#include "spawning/log.hpp"
#include "spawning/service_manager.hpp"
#include "spawning/status_top.hpp"
#include "spawning/supervisor.hpp"
#include "spawning/user_identity.hpp"

namespace {

using namespace spawning;
using namespace spawning::cli;

constexpr int kCouldNotStart = 1;
constexpr int kUsage = 2;

std::optional<Inheritance> inheritance_of(const Options& options) {
  if (options.restart_args.empty()) return std::nullopt;
  try {
    return Inheritance{options.restart_args};
  } catch (const StartupError& error) {
    throw UsageError{"--z-restart-args: " + std::string{error.what()}};
  }
}

// What is neither to be bound nor opened.
void apply(const Options& options, SupervisorConfig& config) {
  config.watch = watch_config(options, config.working_directory);
  config.processes = options.processes;
  config.boot_timeout = options.boot_timeout;
  config.surge = options.surge;
  config.drain_delay = options.drain_delay;
  config.deadman = options.deadman;
  config.limits = options.replacement;
  if (options.access_log_file != "-") config.access_log_file = options.access_log_file;
  direct_streams(options, config);
}

// A service, before its supervisor has it.
struct Service {
  const Options& given;  // on the command line
  Options options;       // with what a factory has found
  bool asked_factory;    // in this process
  SupervisorConfig config;
  std::vector<Address> addresses{};
};

// `identity`: as whom, from when everything is open.
int run(Service service, const std::optional<UserIdentity>& identity, const Log& log) {
  const Options& options = service.options;
  SupervisorConfig& config = service.config;
  std::optional<CoverageDirectory> coverage;
  if (options.coverage) coverage.emplace(config.inheritance.has_value());
  const BoundTo bound{
      .address = service.addresses.front(),
      .host = service.asked_factory ? options.host : "",
      .port = options.port,
      .coverage_directory = coverage ? coverage->path() : "",
      .backdoor = config.console ? Address::local(config.console->fd.get()).to_string() : ""};
  config.worker_settings =
      worker_settings(options, bound.address, bound.coverage_directory, bound.backdoor);
  config.configurator.read = plan_reader(service.given, bound, config.working_directory, log);
  if (options.verbose)
    log.info("python " + config.worker_command.front() + ", configuration " +
             config.worker_settings);
  if (config.status && !config.inheritance)
    log_status_address(log, Address::local(config.status->socket.fd.get()));
  if (!config.inheritance) warn_of_insight(log, options, service.addresses);
  Supervisor supervisor{std::move(config), log};
  if (identity) become(*identity);
  supervisor.on_serving([&options, &service] {
    std::cout << banner(options, service.addresses, ::getpid()) << '\n' << std::flush;
  });
  return supervisor.run();
}

int start(Service service, const std::optional<UserIdentity>& identity, const Log& log) {
  SupervisorConfig& config = service.config;
  config.log_owner = identity;
  config.pidfile = acquire_pidfile(service.options);
  Sockets sockets = bind_sockets(service.options, config.service_manager);
  config.status = status_config(service.options, sockets);
  config.console = bind_backdoor(service.options, log);
  config.listeners = std::move(sockets.listeners);
  service.addresses = std::move(sockets.addresses);
  if (identity) give_sockets(config, *identity);
  return run(std::move(service), identity, log);
}

// In the place of another program, which has done all that start() does.
int go_on(Service service, Inheritance inheritance, const Log& log) {
  SupervisorConfig& config = service.config;
  Sockets sockets = adopt_sockets(service.options, inheritance);
  config.pidfile = inheritance.take_pidfile();
  config.status = adopt_status(inheritance);
  config.console = inheritance.take_console();
  config.listeners = std::move(sockets.listeners);
  service.addresses = std::move(sockets.addresses);
  config.inheritance = std::move(inheritance);
  return run(std::move(service), std::nullopt, log);
}

int supervise(const Options& given, const std::vector<std::string>& command, const Log& log) {
  std::optional<Inheritance> inheritance = inheritance_of(given);
  // By the pid of the process that it has started, which one in the background does not have.
  ServiceManager service_manager =
      ServiceManager::of([](const char* name) { return std::getenv(name); }, ::getpid());
  Background background;
  if (given.daemonize && !inheritance) background = Background::enter(log);
  if (!inheritance) {
    log_sources(log, given);
    log_remarks(log, given);
  }
  SupervisorConfig config = programs_of(given, command);
  const auto identity = inheritance ? std::nullopt : identity_of(given);
  config.configurator.user = identity;
  // What an inherited service is, its supervisor has left.
  const bool asks = !config.configurator.command.empty() && !inheritance;
  Service service{given, given, asks, std::move(config)};
  if (asks)
    service.options =
        with_capacity(with_findings(given, configure(service.config.configurator)), log);
  apply(service.options, service.config);
  if (inheritance && inheritance->on_trial()) return Inheritance::kTrialPassed;
  service.config.background = std::move(background);
  service.config.service_manager = std::move(service_manager);
  if (inheritance) return go_on(std::move(service), *std::move(inheritance), log);
  return start(std::move(service), identity, log);
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
int refuse(const Log& log, const std::string& what, int status, const std::string& traceback = "") {
  if (log.options().style != LogStyle::json) {
    std::cerr << traceback << "spawn: " << what << '\n';
  } else if (traceback.empty()) {
    log.error(what);
  } else {
    log.traceback(what, traceback);
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
  if (options.print_config || options.check) log_remarks(log, options);
  if (options.print_config) {
    std::cout << config_text(options);
    return EXIT_SUCCESS;
  }
  try {
    if (options.top) return show_status(*options.top);
    if (options.check) {
      std::cout << check_service(options, command) << '\n';
      return EXIT_SUCCESS;
    }
    return supervise(with_capacity(options, log), command, log);
  } catch (const UsageError& error) {
    return refuse(log, error.what(), kUsage);
  } catch (const ApplicationError& error) {
    return refuse(log, error.what(), kCouldNotStart, error.traceback());
  } catch (const ConfigureError& error) {
    return refuse(log, std::string{"--factory: "} + error.what(), kCouldNotStart,
                  error.traceback());
  } catch (const std::exception& error) {
    return refuse(log, error.what(), kCouldNotStart);
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    open_standard_streams();
    return act(parse_options({argv + std::min(argc, 1), argv + argc},
                             surroundings_of_this_process(argc > 0 ? argv[0] : "")),
               {argv, argv + argc});
  } catch (const UsageError& error) {  // before it is known how to log
    std::cerr << error.traceback() << "spawn: " << error.what() << '\n';
    return kUsage;
  } catch (const std::exception& error) {
    std::cerr << "spawn: " << error.what() << '\n';
    return kCouldNotStart;
  }
}
