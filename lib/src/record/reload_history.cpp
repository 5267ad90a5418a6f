// SPDX-License-Identifier: MIT
#include "spawning/reload_history.hpp"

#include <utility>

namespace spawning {

const char* to_string(ReloadVerdict verdict) {
  switch (verdict) {
    case ReloadVerdict::loading:
      return "loading";
    case ReloadVerdict::serving:
      return "serving";
    case ReloadVerdict::failed:
      return "failed";
    case ReloadVerdict::superseded:
      return "superseded";
    case ReloadVerdict::stopped:
      break;
  }
  return "stopped";
}

void ReloadHistory::begin(std::uint64_t generation, std::string cause, WallTime now) {
  if (Reload* before = loading()) end(*before, ReloadVerdict::superseded, now);
  if (reloads_.size() == kMost) reloads_.pop_front();
  Reload& reload = reloads_.emplace_back();
  reload.generation = generation;
  reload.cause = std::move(cause);
  reload.began = now;
}

void ReloadHistory::serving(std::uint64_t generation, WallTime now) {
  if (Reload* reload = loading(); reload != nullptr && reload->generation == generation)
    end(*reload, ReloadVerdict::serving, now);
}

void ReloadHistory::failed(std::uint64_t generation, std::string summary, std::string traceback,
                           WallTime now) {
  Reload* reload = loading();
  if (reload == nullptr || reload->generation != generation) return;
  end(*reload, ReloadVerdict::failed, now);
  reload->summary = std::move(summary);
  reload->traceback = std::move(traceback);
}

void ReloadHistory::stop(WallTime now) {
  if (Reload* reload = loading()) end(*reload, ReloadVerdict::stopped, now);
}

const Reload* ReloadHistory::last() const { return reloads_.empty() ? nullptr : &reloads_.back(); }

// Only the newest one can be.
Reload* ReloadHistory::loading() {
  const bool loads = !reloads_.empty() && reloads_.back().verdict == ReloadVerdict::loading;
  return loads ? &reloads_.back() : nullptr;
}

void ReloadHistory::end(Reload& reload, ReloadVerdict verdict, WallTime now) {
  reload.verdict = verdict;
  reload.ended = now;
  if (reload.generation > 1) ++counts_[static_cast<std::size_t>(verdict)];
}

}  // namespace spawning
