// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// From options to a daemon: where it works, as whom, and what it leaves open.

#include <optional>
#include <string>

#include "options.hpp"
#include "spawning/pidfile.hpp"
#include "spawning/supervisor.hpp"
#include "spawning/user_identity.hpp"

namespace spawning::cli {

/// Makes --chdir this process's directory. \returns where it works now, with symlinks as they were
/// named, which may lead elsewhere later. \see working_directory
/// \param launched_in  where it has worked so far, in the same way.
/// \throws StartupError that names the option.
[[nodiscard]] std::string enter_directory(const Options& options, const std::string& launched_in);

/// Whom --chuid names. \throws StartupError that names the option if they are unknown, or if this
/// process may not become them.
[[nodiscard]] std::optional<UserIdentity> identity_of(const Options& options);

/// The one of --pidfile. \throws StartupError that names the option.
[[nodiscard]] std::optional<Pidfile> acquire_pidfile(const Options& options);

/// Where the streams of the service go: of a daemon to /dev/null, unless the options name files.
void direct_streams(const Options& options, SupervisorConfig& config);

/// Makes the files of UNIX sockets theirs, of the listeners and of the console.
/// \throws StartupError that names --chuid.
void give_sockets(const SupervisorConfig& config, const UserIdentity& identity);

/// Becomes that user for good; HOME, USER and LOGNAME in the environment are theirs, too.
/// \throws StartupError that names --chuid.
void become(const UserIdentity& identity);

}  // namespace spawning::cli
