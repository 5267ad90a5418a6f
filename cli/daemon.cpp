// SPDX-License-Identifier: MIT
#include "daemon.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "service.hpp"
#include "spawning/error.hpp"

namespace spawning::cli {
namespace {

// What the action returns; what is wrong with it begins with the option.
template <typename Action>
auto named(const std::string& option, Action action) {
  try {
    return action();
  } catch (const StartupError& error) {
    throw StartupError{option + ": " + error.what()};
  } catch (const std::system_error& error) {
    throw StartupError{option + ": " + error.what()};
  }
}

}  // namespace

std::string enter_directory(const Options& options, const std::string& launched_in) {
  if (options.chdir.empty()) return launched_in;
  if (::chdir(options.chdir.c_str()) != 0)
    throw StartupError{"--chdir: " + options.chdir + ": " + last_error().message()};
  return working_directory(std::filesystem::path{launched_in} / options.chdir);
}

std::optional<UserIdentity> identity_of(const Options& options) {
  if (options.chuid.empty()) return std::nullopt;
  return named("--chuid", [&options] {
    UserIdentity identity = UserIdentity::find(options.chuid);
    identity.require_permission();
    return identity;
  });
}

std::optional<Pidfile> acquire_pidfile(const Options& options) {
  if (options.pidfile.empty()) return std::nullopt;
  return named("--pidfile", [&options] { return Pidfile::acquire(options.pidfile); });
}

void direct_streams(const Options& options, SupervisorConfig& config) {
  const std::string otherwise = options.daemonize ? "/dev/null" : "";
  config.output_file = options.stdout_file.empty() ? otherwise : options.stdout_file;
  config.error_file = options.stderr_file.empty() ? otherwise : options.stderr_file;
}

void become(const UserIdentity& identity) {
  if (identity.is_current()) return;
  named("--chuid", [&identity] { identity.assume(); });
  for (const std::string& variable : identity.environment()) {
    const std::size_t equals = variable.find('=');
    ::setenv(variable.substr(0, equals).c_str(), variable.c_str() + equals + 1, 1);
  }
}

void give_sockets(const SupervisorConfig& config, const UserIdentity& identity) {
  if (identity.is_current()) return;
  const auto give = [&identity](const ListeningSocket& socket) {
    if (socket.file) socket.file->give_to(identity.user, identity.group);
  };
  named("--chuid", [&config, &give] {
    std::ranges::for_each(config.listeners, give);
    if (config.console) give(*config.console);
  });
}

}  // namespace spawning::cli
