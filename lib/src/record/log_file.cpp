// SPDX-License-Identifier: MIT
#include "record/log_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "spawning/error.hpp"

namespace spawning {

UniqueFd open_log_file(const std::string& path, const std::optional<UserIdentity>& owner) {
  constexpr mode_t kMode = 0666;
  int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  // Whoever owns the directory could make root append to any file. What is in /dev is root's.
  if (owner && !owner->is_current() && !path.starts_with("/dev/")) flags |= O_NOFOLLOW;
  UniqueFd file{::open(path.c_str(), flags | O_EXCL, kMode)};
  const bool created = static_cast<bool>(file);
  if (!file && errno == EEXIST) file.reset(::open(path.c_str(), flags, kMode));
  if (!file)
    throw StartupError{"the log file " + path + " cannot be opened: " + last_error().message()};
  if (created && owner && ::fchown(file.get(), owner->user, owner->group) != 0)
    throw StartupError{"the log file " + path +
                       " cannot be given to its owner: " + last_error().message()};
  return file;
}

}  // namespace spawning
