// SPDX-License-Identifier: MIT
#include "record/line_writer.hpp"

#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "base/quiet_thread.hpp"
#include "spawning/error.hpp"

namespace spawning {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kInterval = 50ms;  // between two writes
constexpr std::size_t kEager = 32 << 10;               // so many octets do not wait for it
constexpr std::size_t kMostPending = 1 << 20;
constexpr std::chrono::milliseconds kRetry = 500ms;  // after a failure
constexpr std::chrono::milliseconds kMoment = 5ms;
constexpr std::chrono::milliseconds kFarewell = 1000ms;  // for the last lines

struct Destination {
  UniqueFd fd;
  std::size_t most_at_once = 0;  // octets that the kernel does not mix with those of others
};

bool is_null_device(const struct stat& status) {
  return S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
}

// As many whole lines as may be written at once; one at least.
std::string_view next_piece(std::string_view lines, std::size_t most) {
  if (lines.size() <= most) return lines;
  const std::size_t end = lines.rfind('\n', most - 1);
  return lines.substr(0, (end == lines.npos ? lines.find('\n') : end) + 1);
}

std::uint64_t lines_in(std::string_view text) {
  return static_cast<std::uint64_t>(std::ranges::count(text, '\n'));
}

// Takes what is written off the front of `lines`. Returns 0, or why nothing was: ETIMEDOUT if there
// was no room for long.
int write_some(const Destination& destination, std::string_view& lines) {
  const auto piece = next_piece(lines, destination.most_at_once);
  pollfd ready{destination.fd.get(), POLLOUT, 0};
  if (::poll(&ready, 1, static_cast<int>(kRetry.count())) != 1) return ETIMEDOUT;
  const ssize_t count = ::write(destination.fd.get(), piece.data(), piece.size());
  if (count < 0) return errno;
  lines.remove_prefix(static_cast<std::size_t>(count));
  return 0;
}

}  // namespace

struct LineWriter::State {
  using Lock = std::unique_lock<std::mutex>;

  void run();
  [[nodiscard]] bool write_out(Lock& lock);
  void change_destination();
  void note_failure(Lock& lock, int error);
  void note_success(Lock& lock);
  void say(Lock& lock, void (Log::*how)(std::string_view) const, const std::string& text) const;
  [[nodiscard]] bool must_go() const { return stopping && Clock::now() >= give_up_at; }

  const Log* log = nullptr;  // none once the thread is left to itself
  std::mutex mutex;
  std::condition_variable changed;  // for the thread
  std::condition_variable idle;     // for flush()
  std::string pending;
  std::string_view unwritten;  // what is left of the batch
  std::uint64_t lost = 0;
  std::optional<Destination> next;  // to go on with
  bool sleeping = false;            // until there is a line
  bool hurried = false;             // write at once
  bool writing = false;
  bool stopping = false;
  bool ended = false;
  Clock::time_point give_up_at{};

  // The thread's own.
  std::string batch;
  Destination destination;
  bool failing = false;
  std::uint64_t lost_before = 0;
  std::thread thread;
};

void LineWriter::State::run() {
  Lock lock{mutex};
  for (Clock::time_point written{}; !stopping || !pending.empty();) {
    sleeping = true;
    changed.wait(lock, [this] { return !pending.empty() || stopping || next; });
    sleeping = false;
    if (next && pending.empty()) {
      destination = *std::exchange(next, std::nullopt);
      continue;
    }
    changed.wait_until(lock, written + kInterval,
                       [this] { return pending.size() >= kEager || hurried || stopping; });
    writing = true;
    const bool all = write_out(lock);
    writing = false;
    hurried = false;
    written = Clock::now();
    idle.notify_all();
    if (!all) break;
  }
  ended = true;
  idle.notify_all();
}

// Everything that is pending, however long it takes. False if it has to be given up.
bool LineWriter::State::write_out(Lock& lock) {
  batch.clear();
  batch.swap(pending);
  unwritten = batch;
  while (!unwritten.empty()) {
    change_destination();
    std::string_view rest = unwritten;
    lock.unlock();
    const int error = write_some(destination, rest);
    lock.lock();
    unwritten = rest;
    if (error == 0) {
      note_success(lock);
      continue;
    }
    if (error == EAGAIN) {  // a sibling was faster
      changed.wait_for(lock, kMoment);
    } else {
      note_failure(lock, error);
    }
    if (must_go()) {
      lost += lines_in(std::exchange(unwritten, {}));
      return false;
    }
    if (error != EAGAIN && error != ETIMEDOUT)
      changed.wait_for(lock, kRetry, [this] { return must_go() || next; });
  }
  return true;
}

// A line that has been begun is ended where it was begun; if that fails, it is written anew.
void LineWriter::State::change_destination() {
  if (!next) return;
  const std::string_view all = batch;
  const std::size_t done = all.size() - unwritten.size();
  const std::size_t before = done == 0 ? all.npos : all.rfind('\n', done - 1);
  const std::size_t line = before + 1;  // npos + 1 is 0
  if (line != done && !failing) return;
  unwritten = all.substr(line);
  destination = *std::exchange(next, std::nullopt);
}

void LineWriter::State::note_failure(Lock& lock, int error) {
  if (std::exchange(failing, true)) return;
  lost_before = lost;
  const std::string why =
      error == ETIMEDOUT ? "nobody takes its lines" : std::generic_category().message(error);
  say(lock, &Log::error,
      "the access log cannot be written: " + why + "; what comes meanwhile may be lost");
}

void LineWriter::State::note_success(Lock& lock) {
  if (!std::exchange(failing, false)) return;
  say(lock, &Log::warning,
      "the access log is written again; lines lost: " + std::to_string(lost - lost_before));
}

// Without the mutex: the error log may lead to where nobody takes lines either.
void LineWriter::State::say(Lock& lock, void (Log::*how)(std::string_view) const,
                            const std::string& text) const {
  const Log* const errors = log;
  if (errors == nullptr) return;
  lock.unlock();
  (errors->*how)(text);
  lock.lock();
}

LineWriter::LineWriter(UniqueFd destination, const Log& log)
    : log_{log}, state_{std::make_shared<State>()} {
  state_->log = &log;
  adopt(std::move(destination));
}

LineWriter::~LineWriter() {
  std::unique_lock lock{state_->mutex};
  if (!state_->thread.joinable()) return;
  state_->stopping = true;
  state_->give_up_at = Clock::now() + kFarewell;
  state_->changed.notify_all();
  const bool ended = state_->idle.wait_for(lock, 2 * kFarewell, [this] { return state_->ended; });
  state_->log = nullptr;
  const std::uint64_t all = state_->lost + lines_in(state_->unwritten) + lines_in(state_->pending);
  lock.unlock();
  if (all > 0) log_.warning("lines lost of the access log, all in all: " + std::to_string(all));
  if (ended) {
    state_->thread.join();
  } else {  // stuck in write(2); it has what it needs
    state_->thread.detach();
  }
}

void LineWriter::adopt(UniqueFd destination) {
  struct stat status {};
  if (::fstat(destination.get(), &status) != 0) throw_last_error("fstat");
  // Appending to a file is one step, however long; into a pipe, up to PIPE_BUF.
  const std::size_t most =
      S_ISREG(status.st_mode) ? std::numeric_limits<std::size_t>::max() : PIPE_BUF;
  const bool wanted = !is_null_device(status);
  const std::lock_guard lock{state_->mutex};
  longest_line_ = most;
  wanted_ = wanted;
  state_->next.emplace(Destination{std::move(destination), most});
  state_->changed.notify_all();
  if (!wanted || state_->thread.joinable()) return;
  state_->pending.reserve(2 * kEager);
  state_->batch.reserve(2 * kEager);
  state_->thread = start_quiet_thread("spawning-log", [state = state_] { state->run(); });
}

void LineWriter::put(std::string_view line) {
  const std::lock_guard lock{state_->mutex};
  if (state_->pending.size() + line.size() > kMostPending) {
    ++state_->lost;
    return;
  }
  const std::size_t before = state_->pending.size();
  state_->pending += line;
  const bool enough = before < kEager && state_->pending.size() >= kEager;
  if (state_->sleeping || enough) state_->changed.notify_one();
}

void LineWriter::reopen(UniqueFd destination) { adopt(std::move(destination)); }

bool LineWriter::flush(std::chrono::milliseconds patience) {
  std::unique_lock lock{state_->mutex};
  state_->hurried = true;
  state_->changed.notify_one();
  return state_->idle.wait_for(lock, patience,
                               [this] { return state_->pending.empty() && !state_->writing; });
}

std::uint64_t LineWriter::lost() const {
  const std::lock_guard lock{state_->mutex};
  return state_->lost;
}

}  // namespace spawning
