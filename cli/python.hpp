// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Which Python interpreter runs the workers.

#include <string>

namespace spawning::cli {

/// Where to look. A value, so that tests need no environment.
struct PythonSearch {
  std::string requested;    ///< `--python`; "" if not given
  std::string invoked_as;   ///< argv[0]
  std::string executable;   ///< this program with all links resolved
  std::string virtual_env;  ///< $VIRTUAL_ENV; "" if not set
  std::string path;         ///< $PATH

  /// As this process was started.
  [[nodiscard]] static PythonSearch of_this_process(const std::string& requested,
                                                    const std::string& invoked_as);
};

/// The interpreter's path: the one requested; else the one beside `spawn`, if that stands in a virtual
/// environment (as invoked, then with links resolved); else that of $VIRTUAL_ENV; else python3 in $PATH.
/// A requested name without a slash is looked up in $PATH.
/// \throws StartupError if it does not exist or cannot be executed.
[[nodiscard]] std::string find_python(const PythonSearch& search);

}  // namespace spawning::cli
