// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// How failures travel: `std::error_code` for what the network does, exceptions for start-up and
/// bugs.

#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include "spawning/export.hpp"

namespace SPAWNING_EXPORT spawning {

/// The program cannot start, or go on, as it was asked to. `what()` is one line for a person: it
/// names the option, file or address and says what was expected. A command line exits with
/// status 1.
class StartupError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// `errno` as an error code. Call it directly after the system call that failed.
[[nodiscard]] std::error_code last_error();

/// Throws `std::system_error` with `errno` and `what`, the system call or object that failed.
[[noreturn]] void throw_last_error(std::string_view what);

}  // namespace spawning
