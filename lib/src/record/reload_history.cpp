// SPDX-License-Identifier: MIT
#include "spawning/reload_history.hpp"

#include <algorithm>
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
  Reload reload;
  reload.generation = generation;
  reload.cause = std::move(cause);
  reload.began = now;
  add(std::move(reload));
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

void ReloadHistory::refused(Reload reload) {
  const WallTime now = reload.ended.value_or(reload.began);
  end(add(std::move(reload)), ReloadVerdict::failed, now);
}

void ReloadHistory::stop(WallTime now) {
  if (Reload* reload = loading()) end(*reload, ReloadVerdict::stopped, now);
}

const Reload* ReloadHistory::last() const { return reloads_.empty() ? nullptr : &reloads_.back(); }

// At most one is.
Reload* ReloadHistory::loading() {
  const auto found = std::ranges::find(reloads_, ReloadVerdict::loading, &Reload::verdict);
  return found == reloads_.end() ? nullptr : &*found;
}

Reload& ReloadHistory::add(Reload reload) {
  if (reloads_.size() == kMost) reloads_.pop_front();
  return reloads_.emplace_back(std::move(reload));
}

void ReloadHistory::end(Reload& reload, ReloadVerdict verdict, WallTime now) {
  reload.verdict = verdict;
  reload.ended = now;
  if (reload.generation > 1) ++counts_[static_cast<std::size_t>(verdict)];
}

}  // namespace spawning
