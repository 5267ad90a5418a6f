// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// inotify, one watch a directory.

#include <map>
#include <string>
#include <unordered_map>

#include "spawning/unique_fd.hpp"
#include "watch/file_snapshot.hpp"

namespace spawning {

/// Hears of changes in directories: hints that it is worth looking again.
///
/// \par Threads  One at a time.
/// \see inotify(7)
class DirectoryWatches {
 public:
  /// \throws std::system_error if the system has none left.
  DirectoryWatches();

  /// Readable when hints() has something to say.
  [[nodiscard]] int fd() const { return inotify_.get(); }

  /// Watches these directories, and no others. Those that are not there are passed over: their
  /// appearance shows in another one.
  /// \returns whether one is watched that was not: what changed in it before now went unheard.
  /// \throws std::runtime_error if one cannot be watched, or not for changes made elsewhere;
  /// `what()` names it and the reason.
  bool set(const FileSnapshot::Interests& interests);

  /// Reads what was heard. \returns whether any of it concerns an entry that matters.
  [[nodiscard]] bool hints();

 private:
  struct Watch {
    DirectoryInterest interest;
    unsigned round;
  };

  bool set_one(const std::string& path, const DirectoryInterest& interest);
  [[nodiscard]] bool matters(int watch, unsigned mask, std::string_view name);

  UniqueFd inotify_;
  std::unordered_map<int, Watch> watches_;
  unsigned round_ = 0;  // of set()
};

/// Whether changes that other machines make on the file system of this statfs(2) type go unheard.
[[nodiscard]] bool is_remote(long file_system_type);

}  // namespace spawning
