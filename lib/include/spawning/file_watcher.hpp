// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Learning that files have changed.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "spawning/asio.hpp"
#include "spawning/export.hpp"
#include "spawning/log.hpp"

namespace SPAWNING_EXPORT spawning {

/// When a FileWatcher looks, and when it tells.
struct FileWatcherOptions {
  std::chrono::milliseconds quiet{200};           ///< without a change, before changes are told
  std::chrono::milliseconds longest_wait{2'000};  ///< for changes that never cease
  /// Looks at every file so often, and does without inotify.
  std::optional<std::chrono::milliseconds> poll{};
};

/// Tells, once after a quiet interval, which of a growing set of files have changed.
///
/// A file has changed if its path leads to another file than before, or to one of another size or
/// time of modification; also if it vanishes or appears. So it does not matter how an editor
/// saves, and a symlink on the way that is turned elsewhere is a change of what is behind it.
/// Reading changes nothing, and neither do permissions.
///
/// A directory stands for the files in it and in its subdirectories, those behind symlinks
/// included; hidden entries, `__pycache__` and what editors leave (`*~`, `#*#`) do not count.
///
/// inotify tells when to look. Where it cannot (a limit of the system is reached, a directory may
/// not be read, a network file system, whose other clients the kernel does not hear of) every file
/// is looked at each second, or more seldom if that took longer than a twentieth of it, and the
/// log says so.
///
/// \par Threads   Everything runs on the thread that runs the context.
/// \par Lifetime  The context and `log` outlive it. No call of `changed` begins after the
///                destructor has; `changed` may destroy the watcher.
/// \see inotify(7)
class FileWatcher {
 public:
  using WallTime = std::chrono::system_clock::time_point;
  /// Gets each path once, in alphabetical order.
  using Changed = std::function<void(const std::vector<std::string>& paths)>;

  /// What another one needs to go on; a value.
  struct Remains {
    /// What stood behind a path at the last look; all 0: nothing.
    struct File {
      std::uint64_t device = 0, inode = 0;
      std::int64_t size = 0, modified_ns = 0;
    };

    std::vector<std::string> paths{};     ///< that were added
    std::map<std::string, File> files{};  ///< those, and the ones in directories
    std::vector<std::string> changed{};   ///< what is to be told yet
  };

  FileWatcher(IoContext& context, Changed changed, const Log& log, FileWatcherOptions options = {});
  ~FileWatcher();

  FileWatcher(const FileWatcher&) = delete;
  FileWatcher& operator=(const FileWatcher&) = delete;

  /// Watches these, too; those that are watched already change nothing.
  /// \param paths  files and directories, which need not be there yet; relative to the working
  ///               directory as it is now.
  /// \param since  when somebody began to read them: what was modified later has changed already.
  void add(const std::vector<std::string>& paths, std::optional<WallTime> since = std::nullopt);

  /// Watches what another one has watched, in the program that this process ran before, and tells
  /// what has changed since that one looked. Call it first.
  void go_on_from(const Remains& remains);
  [[nodiscard]] Remains remains() const;

  /// Whether every file is looked at regularly, by option or of necessity.
  [[nodiscard]] bool polls() const;

 private:
  struct SPAWNING_PRIVATE State;
  std::shared_ptr<State> state_;
};

}  // namespace spawning
