// SPDX-License-Identifier: MIT
#include "supervise/code_watch.hpp"

#include <filesystem>
#include <utility>

namespace spawning {

CodeWatch::CodeWatch(IoContext& context, const WatchConfig& config, const Log& log,
                     std::function<void(const std::string&)> reload,
                     const FileWatcher::Remains& before)
    : context_{context},
      log_{log},
      modules_{config.modules},
      poll_{config.poll},
      reload_{std::move(reload)} {
  if (config.modules || !before.paths.empty()) start(before);
  if (before.paths.empty()) {
    add(config.paths);
  } else {
    watcher_->add(config.paths);
  }
}

void CodeWatch::start(const FileWatcher::Remains& before) {
  FileWatcherOptions options;
  options.poll = poll_;
  watcher_.emplace(
      context_, [this](const std::vector<std::string>& files) { changed(files); }, log_, options);
  if (!before.paths.empty()) watcher_->go_on_from(before);
}

void CodeWatch::add(const std::vector<std::string>& paths, std::optional<WallTime> since) {
  if (paths.empty()) return;
  if (!watcher_) start({});
  for (const std::string& path : paths) {
    std::error_code ignored;  // what cannot be looked at is not there
    if (!std::filesystem::exists(path, ignored))
      log_.warning("nothing is there to watch at " + path +
                   ", yet; if that is not what --watch was to name, mend it");
  }
  watcher_->add(paths, since);
}

FileWatcher::Remains CodeWatch::remains() const {
  return watcher_ ? watcher_->remains() : FileWatcher::Remains{};
}

void CodeWatch::add(const control::Modules& modules, WallTime started) {
  if (watcher_ && modules_) watcher_->add(modules.add, started);
}

bool CodeWatch::add(const control::Failed& failure, WallTime started) {
  if (watcher_) watcher_->add(failure.files, started);
  return modules_ && !failure.files.empty();
}

void CodeWatch::changed(const std::vector<std::string>& files) const {
  std::string changes = files.front() + " changed";
  if (files.size() > 1) changes += " (and " + std::to_string(files.size() - 1) + " more)";
  log_.info("reloading: " + changes);
  reload_(changes);
}

}  // namespace spawning
