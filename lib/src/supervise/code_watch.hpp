// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Reloading when the code has changed.

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "control/message.hpp"
#include "spawning/asio.hpp"
#include "spawning/file_watcher.hpp"
#include "spawning/log.hpp"
#include "spawning/supervisor.hpp"

namespace spawning {

/// Watches what the service depends on, and says in the log what has changed before it asks for a
/// reload with the same words. Does nothing if nothing is to be watched.
///
/// \par Threads   Everything runs on the thread that runs the context.
/// \par Lifetime  The context and `log` outlive it; `reload` may destroy it.
class CodeWatch {
 public:
  using WallTime = FileWatcher::WallTime;

  /// \param before  of the one that it goes on for, in the program that this process ran before.
  CodeWatch(IoContext& context, const WatchConfig& config, const Log& log,
            std::function<void(const std::string& changes)> reload,
            const FileWatcher::Remains& before = {});

  CodeWatch(const CodeWatch&) = delete;
  CodeWatch& operator=(const CodeWatch&) = delete;

  /// What another one needs to go on.
  [[nodiscard]] FileWatcher::Remains remains() const;

  /// Watches these, too. \see FileWatcher::add
  void add(const std::vector<std::string>& paths, std::optional<WallTime> since = std::nullopt);

  /// A worker that was started at `started` says what its application was loaded from.
  void add(const control::Modules& modules, WallTime started);

  /// …or why it could not be, and where.
  /// \returns whether what may mend it is watched for a developer, who is expected to.
  bool add(const control::Failed& failure, WallTime started);

 private:
  void start(const FileWatcher::Remains& before);
  void changed(const std::vector<std::string>& files) const;

  IoContext& context_;
  const Log& log_;
  const bool modules_;
  const std::optional<std::chrono::milliseconds> poll_;
  std::function<void(const std::string&)> reload_;
  std::optional<FileWatcher> watcher_;
};

}  // namespace spawning
