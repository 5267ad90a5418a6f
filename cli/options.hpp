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
#include <utility>
#include <vector>

#include "spawning/address.hpp"
#include "spawning/config.hpp"
#include "spawning/log.hpp"
#include "spawning/status_client.hpp"
#include "spawning/supervisor.hpp"

namespace spawning::cli {

/// The factory of applications that are named on the command line.
inline constexpr const char* kDefaultFactory = "spawning.wsgi_factory.config_factory";

/// An option that is not as it is by default.
struct Given {
  std::string option;               ///< its long name
  std::vector<std::string> values;  ///< as given; "" of a switch
  std::string origin;               ///< "command line", "$SPAWN_PORT", "spawn.toml:3"
};

/// What the command line, the environment and a file say, with the defaults for what they do not say.
struct Options {
  std::vector<std::string> arguments;  ///< APP, MIDDLEWARE…; or what else the factory takes
  std::string factory = kDefaultFactory;
  std::string arguments_origin;  ///< as Given::origin; "" if there are none
  std::vector<Given> given;      ///< in the order of `--help`
  std::string host = "127.0.0.1";
  std::uint16_t port = 8080;
  std::vector<std::string> bind;  ///< if any, they replace host and port
  std::optional<mode_t> umask;    ///< otherwise the one that spawn was started with
  unsigned processes = 4;
  bool processes_auto = false;         ///< as many as there is room for. \see with_capacity
  unsigned threads = 4;                ///< 0: greenlets
  std::string green = "auto";          ///< whose: gevent, eventlet, or auto
  unsigned worker_connections = 1000;  ///< requests that run at a time in greenlets
  std::chrono::milliseconds hub_stall{1000};
  unsigned interpreters = 0;  ///< of each worker's, beside its first; 0: that one serves
  std::string python;         ///< "" if not given
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
  std::optional<StatusUrl> top;      ///< the server whose status is to be shown, instead of serving
  std::string config_file;           ///< that was read; "" if none
  std::vector<std::string> remarks;  ///< about that file, a line each
  bool check = false;
  bool print_config = false;
  bool version = false;
  bool help = false;
};

/// The command line is wrong. `what()` is one line that names the option and says what was expected;
/// exit status 2.
class UsageError : public std::runtime_error {
 public:
  explicit UsageError(const std::string& what, std::string traceback = "")
      : std::runtime_error{what}, traceback_{std::move(traceback)} {}

  /// Lines, if it is a program that is wrong; or "".
  [[nodiscard]] const std::string& traceback() const { return traceback_; }

 private:
  std::string traceback_;
};

/// What counts beside the command line.
struct Surroundings {
  std::vector<std::string> environment{};  ///< NAME=VALUE
  std::string directory{};                 ///< whose pyproject.toml counts; "": none
  std::string program{};                   ///< argv[0], beside which there may be an interpreter
};

/// What the environment of this process, and its working directory, are.
/// \param program  argv[0]
[[nodiscard]] Surroundings surroundings_of_this_process(std::string program);

/// The one with that name; nullptr if it is not given.
[[nodiscard]] const Given* find_given(const Options& options, const std::string& name);

/// Reads the arguments, the program's name excluded. `--name=value`, `--name value`, `-n value` and
/// `-nvalue` are the same; names are never abbreviated; options and arguments may be mixed, and after
/// `--` all are arguments. With `--help`, `--version` or `--top` nothing else is required, or read.
///
/// An option that the command line does not name is as the environment says, else as a file does. Of an
/// option that may be repeated, one place's values count. --bind counts for less than a --host or --port
/// from a stronger place. $PORT counts, with the host 0.0.0.0, unless --bind or --host is given.
/// \throws UsageError
[[nodiscard]] Options parse_options(const std::vector<std::string>& arguments,
                                    const Surroundings& surroundings = {});

}  // namespace spawning::cli
