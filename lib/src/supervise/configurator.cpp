// SPDX-License-Identifier: MIT
#include "spawning/configurator.hpp"

#include <signal.h>

#include <boost/asio/signal_set.hpp>
#include <exception>
#include <optional>
#include <variant>

#include "supervise/configure_run.hpp"

namespace spawning {
namespace {

bool is_ignored(int signal) {
  struct sigaction action {};
  return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

std::string configure(const Configurator& configurator) {
  IoContext context{1};
  std::optional<ConfigureRun::Outcome> outcome;
  int signal = 0;
  {
    boost::asio::signal_set signals{context};
    for (int each : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
      if (!is_ignored(each)) signals.add(each);
    }
    signals.async_wait([&signal, &context](boost::system::error_code error, int number) {
      if (error) return;
      signal = number;
      context.stop();
    });
    try {
      const ConfigureRun run{context, configurator,
                             [&outcome, &context](ConfigureRun::Outcome result) {
                               outcome = std::move(result);
                               context.stop();
                             }};
      context.run();
    } catch (const std::system_error& error) {
      outcome = control::Failed{error.what(), "", {}};
    }
  }
  if (signal != 0) ::raise(signal);  // they do again what they do by default
  if (!outcome) throw ConfigureError{"interrupted", ""};
  if (const auto* failure = std::get_if<control::Failed>(&*outcome))
    throw ConfigureError{failure->summary, failure->traceback};
  return std::get<std::string>(*outcome);
}

}  // namespace spawning
