// SPDX-License-Identifier: MIT
#include "check.hpp"

#include "daemon.hpp"
#include "factory.hpp"
#include "programs.hpp"
#include "service.hpp"

namespace spawning::cli {

std::string check_service(const Options& given, const std::vector<std::string>& command) {
  SupervisorConfig config = programs_of(given, command);
  const auto identity = identity_of(given);
  config.configurator.user = identity;
  const bool asks = !config.configurator.command.empty();
  const Options options = asks ? with_findings(given, configure(config.configurator)) : given;
  Configurator loader = interpreter_of(config);
  const Address address{Address::Family::none, options.port, options.host};
  for (const std::string& argument :
       {std::string{"-m"}, std::string{"spawning.check"}, worker_settings(options, address)})
    loader.command.push_back(argument);
  loader.user = identity;
  loader.patience = options.boot_timeout;
  try {
    static_cast<void>(configure(loader));
  } catch (const ConfigureError& error) {
    throw ApplicationError{error.what(), error.traceback()};
  }
  return "OK: " + (asks ? options.factory : options.arguments.front()) + " can be served";
}

}  // namespace spawning::cli
