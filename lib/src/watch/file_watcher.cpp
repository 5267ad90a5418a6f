// SPDX-License-Identifier: MIT
#include "spawning/file_watcher.hpp"

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <filesystem>
#include <set>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "watch/debounce.hpp"
#include "watch/directory_watches.hpp"
#include "watch/file_snapshot.hpp"

namespace spawning {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPollInterval{1'000};
constexpr int kRestPerLook = 20;  // looking takes a twentieth of the time at most

bool modified_between(const FileSignature& file, FileWatcher::WallTime from,
                      FileWatcher::WallTime to) {
  const FileWatcher::WallTime modified{std::chrono::duration_cast<FileWatcher::WallTime::duration>(
      std::chrono::nanoseconds{file.modified_ns})};
  return from < modified && modified <= to;  // a clock elsewhere may be ahead
}

}  // namespace

struct FileWatcher::State : std::enable_shared_from_this<State> {
  State(IoContext& c, Changed callback, const Log& l, FileWatcherOptions o)
      : context{c},
        changed{std::move(callback)},
        log{l},
        options{o},
        debounce{options.quiet, options.longest_wait} {}

  void start() {
    if (options.poll) return poll(*options.poll);
    try {
      watches.emplace();
      hints.emplace(context, watches->fd());
      await_hint();
    } catch (const std::runtime_error& error) {
      poll_because(error);
    }
  }

  void stop() {
    stopped = true;
    timer.cancel();
    release();
  }

  // --- looking ---

  void add(const std::vector<std::string>& paths, std::optional<WallTime> since) {
    FileSnapshot snapshot;
    for (const std::string& path : paths) {
      std::error_code error;  // without a working directory the path stays as it is
      std::string whole = std::filesystem::absolute(path, error);
      if (error || !whole.starts_with('/') || !roots.insert(whole).second) continue;
      snapshot.add(whole);
    }
    const WallTime now = std::chrono::system_clock::now();
    for (const auto& [path, signature] : snapshot.files()) {
      const bool is_new = seen.emplace(path, signature).second;
      if (is_new && since && modified_between(signature, *since, now)) tell_of(path);
    }
    for (const auto& [path, interest] : snapshot.interests()) {
      DirectoryInterest& all = interests[path];
      all.names.insert(interest.names.begin(), interest.names.end());
      all.all = all.all || interest.all;
    }
    if (!snapshot.files().empty()) hear();
    set_timer();
  }

  void go_on_from(const Remains& remains) {
    roots.insert(remains.paths.begin(), remains.paths.end());
    for (const auto& [path, file] : remains.files)
      seen[path] = {file.device, file.inode, file.size, file.modified_ns};
    untold.insert(remains.changed.begin(), remains.changed.end());
    if (look() || !untold.empty()) debounce.change(Steady::now());
    set_timer();
  }

  [[nodiscard]] Remains remains() const {
    Remains remains;
    remains.paths.assign(roots.begin(), roots.end());
    for (const auto& [path, file] : seen)
      remains.files[path] = {file.device, file.inode, file.size, file.modified_ns};
    remains.changed.assign(untold.begin(), untold.end());
    return remains;
  }

  // True if something is different from what was seen last.
  bool look() {
    const auto begin = Steady::now();
    FileSnapshot snapshot;
    for (const std::string& root : roots) snapshot.add(root);
    const bool different = compare(snapshot.files());
    seen = snapshot.files();
    interests = snapshot.interests();
    hear();
    next_poll = Steady::now() +
                std::max<Steady::duration>(interval, kRestPerLook * (Steady::now() - begin));
    return different;
  }

  bool compare(const FileSnapshot::Files& files) {
    bool different = false;
    const auto differs = [this, &different](const std::string& path) {
      untold.insert(path);
      different = true;
    };
    for (const auto& [path, signature] : files) {
      const auto known = seen.find(path);
      if (known == seen.end() || known->second != signature) differs(path);
    }
    for (const auto& [path, signature] : seen) {
      if (!files.contains(path)) differs(path);
    }
    return different;
  }

  // --- inotify ---

  // Hears of changes of the interests from here on.
  void hear() {
    if (!watches) return;
    try {
      // What changed before there was a watch shows at the next look.
      if (watches->set(interests)) debounce.change(Steady::now());
    } catch (const std::runtime_error& error) {
      poll_because(error);
    }
  }

  void await_hint() {
    hints->async_wait(hints->wait_read, [self = shared_from_this()](auto error) {
      if (error || !self->watches) return;
      if (self->watches->hints()) {
        self->debounce.change(Steady::now());
        self->set_timer();
      }
      self->await_hint();
    });
  }

  void release() {
    if (hints) static_cast<void>(hints->release());  // `watches` owns the descriptor
    hints.reset();
    watches.reset();
  }

  // --- polling ---

  void poll_because(const std::runtime_error& error) {
    release();
    poll(kPollInterval);
    log.warning("inotify cannot watch the files (" + std::string{error.what()} +
                "): they are looked at every " + std::to_string(kPollInterval.count()) +
                " ms; the sysctls fs.inotify.max_user_watches and .max_user_instances limit it");
  }

  void poll(std::chrono::milliseconds every) {
    interval = every;
    polling = true;
    next_poll = Steady::now() + every;
    set_timer();
  }

  // --- telling ---

  void tell_of(const std::string& path) {
    untold.insert(path);
    debounce.change(Steady::now());
  }

  void set_timer() {
    auto next = debounce.deadline();
    if (polling && !roots.empty()) next = std::min(next.value_or(next_poll), next_poll);
    timer.cancel();
    if (!next || stopped) return;
    timer.expires_at(*next);
    timer.async_wait([self = shared_from_this()](auto error) {
      if (!error && !self->stopped) self->wake();
    });
  }

  void wake() {
    if (polling && look()) debounce.change(Steady::now());
    if (debounce.due(Steady::now())) {
      if (!polling) look();
      tell();
    }
    set_timer();
  }

  void tell() {
    const std::vector<std::string> paths(untold.begin(), untold.end());
    untold.clear();
    if (!paths.empty()) changed(paths);
  }

  IoContext& context;
  const Changed changed;
  const Log& log;
  const FileWatcherOptions options;
  Debounce debounce;
  std::set<std::string> roots;  // as added
  FileSnapshot::Files seen;     // at the last look
  FileSnapshot::Interests interests;
  std::set<std::string> untold;  // what has changed since the last report
  std::optional<DirectoryWatches> watches;
  std::optional<boost::asio::posix::stream_descriptor> hints;
  boost::asio::steady_timer timer{context};
  std::chrono::milliseconds interval{0};
  Steady::time_point next_poll;
  bool polling = false;
  bool stopped = false;
};

FileWatcher::FileWatcher(IoContext& context, Changed changed, const Log& log,
                         FileWatcherOptions options)
    : state_{std::make_shared<State>(context, std::move(changed), log, options)} {
  state_->start();
}

FileWatcher::~FileWatcher() { state_->stop(); }

void FileWatcher::add(const std::vector<std::string>& paths, std::optional<WallTime> since) {
  state_->add(paths, since);
}

void FileWatcher::go_on_from(const Remains& remains) { state_->go_on_from(remains); }

FileWatcher::Remains FileWatcher::remains() const { return state_->remains(); }

bool FileWatcher::polls() const { return state_->polling; }

}  // namespace spawning
