// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Config factories: what the command line leaves open, a Python callable says.

#include <functional>
#include <string>
#include <vector>

#include "options.hpp"
#include "spawning/address.hpp"
#include "spawning/configurator.hpp"
#include "spawning/log.hpp"

namespace spawning::cli {

/// Runs the factory that the options name, in an interpreter of its own; `read` is not set yet. Its
/// command is empty for the default factory, which has nothing to say.
/// \param interpreter  how a program of ours is started: the interpreter, its environment, where.
/// \param command      that of this process.
[[nodiscard]] Configurator configurator_for(const Options& options, Configurator interpreter,
                                            const std::vector<std::string>& command);

/// The options with what the factory has found in place of what the command line does not say.
/// \param output  of the configurator's program: a JSON object.
/// \throws ConfigureError that names what is wrong with it.
[[nodiscard]] Options with_findings(const Options& options, const std::string& output);

/// Where the service was bound, and what the options said about it.
struct BoundTo {
  Address address;
  std::string host;  ///< "" if not known
  std::uint16_t port = 0;
  std::string coverage_directory{}, backdoor{};  ///< \see worker_settings
};

/// How a running service understands the factory: as with_findings(). That it cannot move to another
/// host or port any more is a warning, each time it is asked to.
/// \param given      the options as the command line says them.
/// \param directory  of relative paths.
/// \par Lifetime  `log` outlives it.
[[nodiscard]] std::function<ServicePlan(const std::string&)> plan_reader(
    const Options& given, BoundTo bound, const std::string& directory, const Log& log);

}  // namespace spawning::cli
