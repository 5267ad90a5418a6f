// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What stands behind a set of paths at a moment, and where a change of that would show.

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <ctime>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

namespace spawning {

/// What tells one state of a file from another. Default: there is none.
struct FileSignature {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  std::int64_t modified_ns = 0;  ///< since the epoch
  friend bool operator==(const FileSignature&, const FileSignature&) = default;
};

/// The entries of a directory that matter.
struct DirectoryInterest {
  std::set<std::string, std::less<>> names;
  bool all = false;  ///< except those that entry_counts() says no to
};

/// Whether an entry of a watched directory is one that people mean: not hidden, not
/// `__pycache__`, not what editors leave.
[[nodiscard]] bool entry_counts(std::string_view name);

/// Looks at files. Each path is followed component by component, so that every directory which
/// has a part in where it leads is known.
///
/// \par Threads  A value; one thread at a time.
class FileSnapshot {
 public:
  /// Adds what is behind an absolute path: a file, or a directory with all that is in it.
  void add(const std::string& path);

  /// By path, as given or as found in a directory given. Of a directory given: which one it is.
  using Files = std::map<std::string, FileSignature>;
  [[nodiscard]] const Files& files() const { return files_; }

  /// By real path. Some need not be directories, or be there any more.
  using Interests = std::map<std::string, DirectoryInterest>;
  [[nodiscard]] const Interests& interests() const { return interests_; }

 private:
  struct Found {
    std::string path;  // without symlinks
    struct stat status;
  };

  const std::optional<Found>& follow(const std::string& path, unsigned links);
  std::optional<Found> look(const std::string& path, unsigned links);
  void add_entries(const std::string& path, const Found& directory);

  Files files_;
  Interests interests_;
  std::unordered_map<std::string, std::optional<Found>> followed_;
  std::set<std::pair<dev_t, ino_t>> entered_;  // directories, below one that was given
};

}  // namespace spawning
