// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The file that says which process the service is.

#include <string>

#include "spawning/export.hpp"
#include "spawning/unique_fd.hpp"

namespace SPAWNING_EXPORT spawning {

/// Owns a pidfile: a line with this process's number, for people and scripts. Nobody else can own it
/// meanwhile, and it is removed when destroyed.
///
/// Whether its process lives is told by a lock, which ends with that process however it ends, and
/// not by the number, which may be another's by now. The lock goes along through execve(2), as a
/// descriptor that is kept open. The file is there at once with its content, and replaced at once.
///
/// What can no longer be removed, because this process has become another user, is emptied.
///
/// \par Threads  One at a time. The path keeps its meaning when the current directory changes.
/// \see flock(2)
class Pidfile {
 public:
  /// Replaces a file that is left of a process which has ended.
  /// \throws StartupError that names the file and says why it cannot be had: its process runs (with
  ///         its number), there is no such directory, or it is something else than a pidfile, which
  ///         is left alone.
  static Pidfile acquire(const std::string& path);

  /// Goes on with what the program which this process ran before has owned.
  /// \param lock  its descriptor().
  Pidfile(UniqueFd lock, std::string path);

  Pidfile(Pidfile&& other) noexcept;
  Pidfile& operator=(Pidfile&& other) noexcept;
  /// Removes the file, unless another one has taken its place.
  ~Pidfile();

  [[nodiscard]] int descriptor() const { return lock_.get(); }
  [[nodiscard]] const std::string& path() const { return path_; }  ///< absolute

 private:
  void remove();

  UniqueFd lock_;  // none: nothing is owned
  std::string path_;
};

}  // namespace spawning
