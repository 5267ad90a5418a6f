// SPDX-License-Identifier: MIT
// The files that a Supervisor and its workers append lines to.
#include <exception>
#include <string>
#include <utility>

#include "record/log_file.hpp"
#include "spawning/error.hpp"
#include "supervise/supervisor_state.hpp"

namespace spawning {

// A service that has been going on for long goes on, whatever has become of its log.
UniqueFd Supervisor::State::open_access_log() const {
  if (config.access_log_file.empty()) return {};
  try {
    return open_log_file(config.access_log_file, config.log_owner);
  } catch (const StartupError& error) {
    if (before() == nullptr) throw;
    log.error(std::string{error.what()} + "; new workers write none until SIGUSR1 opens it");
    return open_log_file("/dev/null");
  }
}

// Whoever has started the service is told last: nobody holds their streams any more then, but for
// workers that are about to hear of it.
void Supervisor::State::leave_the_foreground() {
  streams.use();
  give_streams();
  config.background.serves();
}

void Supervisor::State::give_streams() {
  if (!streams.any()) return;
  const control::StandardStreams ours{streams.output(), streams.errors()};
  try {
    for (const auto& [worker, record] : records) {
      if (record.handle) record.handle->give_streams(ours);
    }
  } catch (const std::exception& error) {
    log.error(std::string{"a worker goes on with the streams that it has: "} + error.what());
  }
}

void Supervisor::State::reopen_logs() {
  if (!streams.any() && !access_log)
    return log.info(
        "SIGUSR1: no log file is open that could be reopened (--access-log-file, --stdout, "
        "--stderr)");
  if (streams.any()) reopen_streams();
  if (access_log) reopen_access_log();
}

void Supervisor::State::reopen_streams() {
  try {
    streams.open();
    if (config.background) return;  // they are not used yet
    streams.use();
  } catch (const std::exception& error) {
    return log.error(std::string{"SIGUSR1: "} + error.what() +
                     "; the old one goes on until SIGUSR1 comes again");
  }
  give_streams();
  for (const std::string& path : {config.output_file, config.error_file}) {
    if (!path.empty() && path != "/dev/null") log.info("SIGUSR1: " + path + " was opened anew");
  }
}

// Workers that drain write lines, too.
void Supervisor::State::reopen_access_log() {
  try {
    UniqueFd file = open_log_file(config.access_log_file);
    for (const auto& [worker, record] : records) {
      if (record.handle) record.handle->give_access_log(file.get());
    }
    access_log = std::move(file);
  } catch (const std::exception& error) {
    return log.error(std::string{"SIGUSR1: "} + error.what() +
                     "; the old one goes on until SIGUSR1 comes again");
  }
  log.info("SIGUSR1: " + config.access_log_file + " was opened anew");
}

}  // namespace spawning
