// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// A program that says what a service is to be.

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "spawning/error.hpp"
#include "spawning/export.hpp"
#include "spawning/user_identity.hpp"

namespace SPAWNING_EXPORT spawning {

/// What of a service a reload may change.
struct ServicePlan {
  std::string worker_settings;       ///< \see SupervisorConfig::worker_settings
  unsigned processes = 4;            ///< \see SupervisorConfig::processes
  std::vector<std::string> watch{};  ///< absolute paths, watched from here on
};

/// The program, and who understands it. It is run for a moment: before the start, by configure(), and
/// anew before each reload, by a Supervisor.
///
/// It writes what it has to say to its standard output, 1 MiB at most, and exits with 0. If it
/// cannot, it writes `{"type": "failed", "summary": "…", "traceback": "…", "files": ["…"]}` instead:
/// one line for people, perhaps more lines, and the files whose change may mend it; and exits with
/// another status. Its standard error is ours, its standard input is empty; SPAWNING_PATIENCE in its
/// environment is how many seconds it may take, and when they are over on the monotonic clock: then it may
/// say why. When it has failed, or a second later, it is killed with all that it has started.
struct Configurator {
  std::vector<std::string> command;      ///< the program's path and its arguments; empty: none
  std::vector<std::string> environment;  ///< \see SupervisorConfig::worker_environment
  std::string directory;                 ///< \see SupervisorConfig::working_directory
  std::optional<UserIdentity> user{};    ///< as whom it runs; none: as this process does
  std::chrono::milliseconds patience{60'000};
  /// What the output means. \throws StartupError that says what is wrong with it.
  std::function<ServicePlan(const std::string& output)> read;
};

/// The program has failed. what() is its summary, or how it ended.
class ConfigureError : public StartupError {
 public:
  ConfigureError(const std::string& summary, std::string traceback)
      : StartupError{summary}, traceback_{std::move(traceback)} {}

  /// Lines, or "".
  [[nodiscard]] const std::string& traceback() const { return traceback_; }

 private:
  std::string traceback_;
};

/// Runs the program and waits for it. SIGINT, SIGTERM, SIGHUP and SIGQUIT end it, and then this
/// process as they would have, unless they are ignored.
/// \returns its output. \throws ConfigureError
[[nodiscard]] std::string configure(const Configurator& configurator);

}  // namespace spawning
