// SPDX-License-Identifier: MIT
#include "programs.hpp"

#include <cstdlib>
#include <filesystem>

#include "coverage_directory.hpp"
#include "daemon.hpp"
#include "factory.hpp"
#include "python.hpp"
#include "service.hpp"

namespace spawning::cli {
namespace {

// argv[0] in a form that does not depend on the current directory.
std::string invoked_as(const std::string& name) {
  return name.find('/') == std::string::npos ? name : std::filesystem::absolute(name).string();
}

}  // namespace

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Configurator interpreter_of(const SupervisorConfig& config) {
  Configurator interpreter;
  interpreter.command = {config.worker_command.front()};
  interpreter.environment = config.worker_environment;
  interpreter.directory = config.working_directory;
  return interpreter;
}

Configurator early_interpreter(const Options& given, const std::string& program) {
  const bool by_path = given.python.find('/') != std::string::npos;
  const std::string python =
      by_path ? (std::filesystem::path{given.chdir} / given.python).string() : given.python;
  const PythonSearch search = PythonSearch::of_this_process(python, invoked_as(program));
  Configurator interpreter;
  interpreter.command = {find_python(search)};
  interpreter.environment = worker_environment(given, search.executable, environment("PYTHONPATH"));
  interpreter.patience = given.boot_timeout;
  return interpreter;
}

SupervisorConfig programs_of(const Options& given, const std::vector<std::string>& command) {
  const PythonSearch search = PythonSearch::of_this_process(
      given.python, invoked_as(command.empty() ? "" : command.front()));
  SupervisorConfig config;
  config.restart_command = restart_command(command);
  config.restart_directory = working_directory(environment("PWD"));
  config.working_directory = enter_directory(given, config.restart_directory);
  // As another user it may not be allowed there again, and need not be.
  const std::string& name = config.restart_command.front();
  const bool named_from_here = name.find('/') != name.npos && !name.starts_with('/');
  const bool reads_from_here = !given.config_file.empty() && !given.config_file.starts_with('/');
  if (given.chdir.starts_with('/') && !named_from_here && !reads_from_here)
    config.restart_directory = config.working_directory;
  config.worker_command = {find_python(search), "-m", "spawning.worker"};
  config.worker_environment =
      worker_environment(given, search.executable, environment("PYTHONPATH"));
  config.worker_environment.emplace_back(CoverageDirectory::kVariable);
  config.configurator = configurator_for(given, interpreter_of(config), config.restart_command);
  return config;
}

}  // namespace spawning::cli
