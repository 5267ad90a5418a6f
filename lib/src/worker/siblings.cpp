// SPDX-License-Identifier: MIT
#include "worker/siblings.hpp"

#include <algorithm>
#include <utility>

namespace spawning {
namespace {

// Above the mean, without being too many: fewer are not worth the trouble.
std::uint64_t slack(std::uint64_t mean) { return 2 + mean / 20; }

}  // namespace

// Those of generation `oldest`, and later ones.
template <typename Visit>
void Siblings::each_serving(std::uint64_t oldest, Visit visit) const {
  const auto used = static_cast<unsigned>(scoreboard_.used());
  for (unsigned index = 0; index < used; ++index) {
    const ScoreboardSlot& slot = scoreboard_.slot(index);
    if (index == own_slot_ || slot.state.load(std::memory_order_relaxed) != WorkerState::serving)
      continue;
    if (slot.generation.load(std::memory_order_relaxed) >= oldest) visit(index, slot);
  }
}

std::uint64_t Siblings::own_generation() const { return scoreboard_.slot(own_slot_).generation; }

Siblings::Free Siblings::free() const {
  Free free;
  each_serving(own_generation(), [&free](unsigned index, const ScoreboardSlot& slot) {
    free.anybody_serves = true;
    const auto idle = slot.threads_idle.load(std::memory_order_relaxed);
    const auto queued = slot.requests_queued.load(std::memory_order_relaxed);
    if (idle <= queued) return;
    free.slots.push_back(index);
    free.threads += idle - queued;
  });
  return free;
}

bool Siblings::none_accepts() const {
  bool none = true;
  each_serving(0, [&none](unsigned, const ScoreboardSlot&) { none = false; });
  return none;
}

bool Siblings::gets_on(unsigned index, const ScoreboardSlot& slot) {
  const auto completed = slot.requests_completed.load(std::memory_order_relaxed);
  if (completed_.size() <= index) completed_.resize(index + 1, completed);
  const auto before = std::exchange(completed_[index], completed);
  return slot.threads_idle.load(std::memory_order_relaxed) > 0 || completed != before;
}

Siblings::Surplus Siblings::surplus() {
  const auto own = scoreboard_.slot(own_slot_).connections_open.load(std::memory_order_relaxed);
  std::vector<std::pair<unsigned, std::uint64_t>> takers;
  std::uint64_t all = own;
  each_serving(own_generation(), [&](unsigned index, const ScoreboardSlot& slot) {
    if (!gets_on(index, slot)) return;
    const auto open = slot.connections_open.load(std::memory_order_relaxed);
    takers.emplace_back(index, open);
    all += open;
  });
  const std::uint64_t mean = all / (takers.size() + 1);
  if (own <= mean + slack(mean)) return {};
  Surplus surplus{static_cast<std::size_t>(std::min<std::uint64_t>(own - mean, kMostAtOnce))};
  for (const auto& [index, open] : takers) {
    if (open < mean) surplus.to.push_back(index);
  }
  return surplus;
}

std::size_t requests_to_pass_on(std::size_t waiting, const Siblings::Free& free, bool stuck) {
  const std::size_t at_once = std::min(waiting, free.threads);
  if (!stuck) return at_once;
  return std::max(at_once, waiting - waiting / (free.slots.size() + 1));
}

}  // namespace spawning
