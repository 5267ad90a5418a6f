// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Which programs a service is made of.

#include <string>
#include <vector>

#include "options.hpp"
#include "spawning/configurator.hpp"
#include "spawning/supervisor.hpp"

namespace spawning::cli {

/// "" if it is not set.
[[nodiscard]] std::string environment(const char* name);

/// How Python programs beside the workers run: as workers do. \see Configurator
[[nodiscard]] Configurator interpreter_of(const SupervisorConfig& config);

/// The same before it is known what the service is: what a file of options says does not count yet.
/// The working directory is still the one that this process was started in.
/// \param program  argv[0]
/// \throws StartupError that names the option.
[[nodiscard]] Configurator early_interpreter(const Options& given, const std::string& program);

/// Which programs there are, and where they run. Enters the directory that this one is to work in.
/// \param command  that of this process.
/// \throws StartupError that names the option.
[[nodiscard]] SupervisorConfig programs_of(const Options& given,
                                           const std::vector<std::string>& command);

}  // namespace spawning::cli
