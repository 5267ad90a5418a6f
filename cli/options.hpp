// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The command line of `spawn`.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "spawning/address.hpp"
#include "spawning/config.hpp"
#include "spawning/log.hpp"
#include "spawning/status_client.hpp"
#include "spawning/supervisor.hpp"

namespace spawning::cli {

/// The factory of applications that are named on the command line.
inline constexpr const char* kDefaultFactory = "spawning.wsgi_factory.config_factory";

/// What the command line says, with the defaults for what it does not say.
struct Options {
  std::vector<std::string> arguments;  ///< APP, MIDDLEWARE…; or what else the factory takes
  std::string factory = kDefaultFactory;
  std::vector<std::string> given;  ///< the options that it names
  std::string host = "127.0.0.1";
  std::uint16_t port = 8080;
  std::vector<std::string> bind;  ///< if any, they replace host and port
  std::optional<mode_t> umask;    ///< otherwise the one that spawn was started with
  unsigned processes = 4;
  unsigned threads = 4;                ///< 0: greenlets
  std::string green = "auto";          ///< whose: gevent, eventlet, or auto
  unsigned worker_connections = 1000;  ///< requests that run at a time in greenlets
  std::chrono::milliseconds hub_stall{1000};
  std::string python;  ///< "" if not given
  HttpConfig http;
  std::chrono::milliseconds boot_timeout{60'000};
  std::chrono::milliseconds drain_delay{0};
  std::chrono::milliseconds deadman{10'000};
  ReplacementLimits replacement;
  std::optional<std::uint16_t> status_port;
  std::string status_host;         ///< "": as host
  std::vector<std::string> watch;  ///< as given
  bool reload_dev = false;
  std::vector<std::string> sources;  ///< that a factory names: watched, too
  std::string found;                 ///< by a factory: a JSON object; "": nothing
  unsigned surge = 0;
  std::optional<std::chrono::milliseconds> watch_poll;
  std::string access_log_file = "-";  ///< "-": standard output
  std::string access_log_format = "spawning";
  std::optional<LogLevel> log_level;  ///< otherwise what `verbose` implies
  LogStyle log_format = LogStyle::text;
  bool coverage = false;
  bool sysinfo = false;
  bool daemonize = false;
  std::string pidfile, stdout_file, stderr_file, chuid, chdir;  ///< "" if not given
  std::vector<std::string> env;                                 ///< NAME=VALUE, each NAME once
  std::string restart_args;  ///< "" unless a supervisor has executed itself anew
  std::optional<BindAddress> backdoor;
  bool verbose = false;
  std::optional<StatusUrl> top;  ///< the server whose status is to be shown, instead of serving
  bool version = false;
  bool help = false;
};

/// The command line is wrong. `what()` is one line that names the option and says what was expected;
/// exit status 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Reads the arguments, the program's name excluded. `--name=value`, `--name value`, `-n value` and
/// `-nvalue` are the same; names are never abbreviated; options and arguments may be mixed, and after
/// `--` all are arguments. With `--help`, `--version` or `--top` nothing else is required.
/// \throws UsageError
[[nodiscard]] Options parse_options(const std::vector<std::string>& arguments);

}  // namespace spawning::cli
