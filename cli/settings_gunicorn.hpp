// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Options in a configuration file of gunicorn's.

#include <string>

#include "settings_source.hpp"
#include "spawning/configurator.hpp"

namespace spawning::cli {

/// Whether it is one: a Python program, `*.py`.
[[nodiscard]] bool is_gunicorn_file(const std::string& path);

/// What the file says, in our options, with a remark about each setting that is not quite one of them.
/// A port, the number of processes and that of threads are always there, as gunicorn has them.
/// \param interpreter  how a program of ours is started; it executes the file. \see spawning.gunicorn_config
/// \throws UsageError that begins with the file, with the line of what it raises, and its traceback;
///         or with the option, if it cannot be read.
[[nodiscard]] SettingsSource read_gunicorn_file(const std::string& path, Configurator interpreter);

}  // namespace spawning::cli
