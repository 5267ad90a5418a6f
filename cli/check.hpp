// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Whether a service would start.

#include <string>
#include <vector>

#include "options.hpp"
#include "spawning/configurator.hpp"

namespace spawning::cli {

/// The application cannot be loaded.
class ApplicationError : public ConfigureError {
 public:
  using ConfigureError::ConfigureError;
};

/// Does what a start does before anything is bound or opened: finds the interpreter, the directory and
/// the user, asks the factory, and loads the application in an interpreter of its own as a worker
/// would. \returns a line for people.
/// \param command  that of this process.
/// \throws StartupError; ConfigureError if it is the factory; ApplicationError.
[[nodiscard]] std::string check_service(const Options& given,
                                        const std::vector<std::string>& command);

}  // namespace spawning::cli
