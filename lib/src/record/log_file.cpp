// SPDX-License-Identifier: MIT
#include "record/log_file.hpp"

#include <fcntl.h>

#include "spawning/error.hpp"

namespace spawning {

UniqueFd open_log_file(const std::string& path) {
  constexpr int kFlags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  constexpr mode_t kMode = 0666;
  UniqueFd file{::open(path.c_str(), kFlags, kMode)};
  if (!file)
    throw StartupError{"the log file " + path + " cannot be opened: " + last_error().message()};
  return file;
}

}  // namespace spawning
