// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The command line of `spawn`.

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace spawning::cli {

/// What the command line says, with the defaults for what it does not say.
struct Options {
  std::vector<std::string> arguments;  ///< APP, MIDDLEWARE…
  std::string host = "127.0.0.1";
  std::uint16_t port = 8080;
  std::vector<std::string> bind;  ///< if any, they replace host and port
  unsigned processes = 4;
  unsigned threads = 4;
  std::string python;  ///< "" if not given
  bool no_keepalive = false;
  bool verbose = false;
  bool version = false;
  bool help = false;
};

/// One option: the source of parsing, `--help` and the documentation.
struct Setting {
  const char* name;      ///< "port", without dashes
  char short_name;       ///< '\0' if there is none
  const char* argument;  ///< what its value is called in `--help`; nullptr for a switch
  const char* fallback;  ///< the default as text; nullptr if there is none
  const char* help;      ///< one sentence without a full stop
  bool repeatable;
  /// Stores the value ("" for a switch). \throws UsageError that says what was expected.
  void (*store)(Options& options, const std::string& value);
};

/// The command line is wrong. `what()` is one line that names the option and says what was expected;
/// exit status 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Every option, in the order of `--help`.
[[nodiscard]] std::span<const Setting> settings();

/// Reads the arguments, the program's name excluded. `--name=value`, `--name value`, `-n value` and
/// `-nvalue` are the same; names are never abbreviated; options and arguments may be mixed, and after
/// `--` all are arguments. With `--help` or `--version` nothing else is required.
/// \throws UsageError
[[nodiscard]] Options parse_options(const std::vector<std::string>& arguments);

/// What `spawn --help` prints.
[[nodiscard]] std::string help_text();

}  // namespace spawning::cli
