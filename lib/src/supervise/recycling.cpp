// SPDX-License-Identifier: MIT
#include "supervise/recycling.hpp"

#include <algorithm>
#include <utility>

namespace spawning {
namespace {

// In weighings, which are 5 s apart. A worker that outgrows a limit within a minute does so soon.
constexpr unsigned kSoon = 12;
constexpr unsigned kLeastPatience = 3, kMostPatience = 720;

// Whoever begins with more than nine tenths of a limit was not meant by it.
bool too_low(Bytes limit, Bytes first) { return first.count > limit.count / 10 * 9; }

// What is too much, where `first` is what there was at first.
Bytes effective(Bytes limit, Bytes first) {
  if (!too_low(limit, first)) return limit;
  return std::max(limit, Bytes{first.count + first.count / 2});
}

// From 0 to `most`. Multiples of the golden ratio, taken modulo 1, lie far apart from each other.
std::uint64_t jitter_of(WorkerId worker, std::uint64_t most) {
  constexpr std::uint64_t kGoldenRatio = 0x9E37'79B9'7F4A'7C15;  // its fraction, times 2^64
  const std::uint64_t fraction = (worker * kGoldenRatio) >> 32;  // times 2^32
  return (fraction * (most + 1)) >> 32;
}

}  // namespace

bool Recycling::served_enough(WorkerId worker, std::uint64_t requests) const {
  return counts_requests() &&
         requests >= limits_.requests + jitter_of(worker, limits_.requests_jitter);
}

Recycling::Verdict Recycling::weigh(const std::vector<WorkerMemory>& all) {
  forget_the_gone(all);
  Verdict verdict;
  for (const WorkerMemory& each : all) {
    if (!each.serves) continue;
    begins(each.worker, each.memory);
    ++known_.at(each.worker).weighings;
    verdict.total.count += each.memory.count;
  }
  if (limits_.worker_memory.count > 0) weigh_each(all, verdict);
  if (limits_.memory.count > 0) weigh_together(all, verdict);
  return verdict;
}

void Recycling::forget_the_gone(const std::vector<WorkerMemory>& all) {
  const auto gone = [&all](WorkerId worker) {
    return std::ranges::find(all, worker, &WorkerMemory::worker) == all.end();
  };
  std::erase_if(known_, [&gone](const auto& each) { return gone(each.first); });
  std::erase_if(to_go_, gone);
}

void Recycling::weigh_each(const std::vector<WorkerMemory>& all, Verdict& verdict) {
  for (const WorkerMemory& each : all) {
    if (!each.serves) continue;
    const Bytes first = known_.at(each.worker).first;
    if (too_low(limits_.worker_memory, first) && !std::exchange(said_worker_limit_, true))
      verdict.worker_limit_too_low = first;
    if (to_go_.contains(each.worker) ||
        !exceeds(each.memory, limits_.worker_memory, first, each.worker))
      continue;
    verdict.too_large.push_back(each.worker);
    let_go(each.worker, verdict);
  }
}

// As long as one is on its way out it is too early to tell.
void Recycling::weigh_together(const std::vector<WorkerMemory>& all, Verdict& verdict) {
  Bytes first{0};
  for (const WorkerMemory& each : all) {
    if (each.serves) first.count += known_.at(each.worker).first.count;
  }
  if (too_low(limits_.memory, first) && !std::exchange(said_limit_, true))
    verdict.limit_too_low = first;
  if (!to_go_.empty()) return;
  const WorkerMemory* largest = nullptr;
  for (const WorkerMemory& each : all) {
    const bool grown = each.serves && each.memory > known_.at(each.worker).first;
    if (grown && (largest == nullptr || each.memory > largest->memory)) largest = &each;
  }
  if (largest == nullptr || !exceeds(verdict.total, limits_.memory, first, largest->worker)) return;
  verdict.largest = largest->worker;
  let_go(largest->worker, verdict);
}

bool Recycling::exceeds(Bytes memory, Bytes limit, Bytes first, WorkerId culprit) const {
  const Bytes most = effective(limit, first);
  const bool young = known_.at(culprit).weighings < patience_;
  return memory.count > (young ? 2 : 1) * most.count;
}

// Patience grows with those who go soon after it has ended, and shrinks with those who last.
void Recycling::let_go(WorkerId worker, Verdict& verdict) {
  to_go_.insert(worker);
  if (known_.at(worker).weighings < std::max(kSoon, 2 * patience_)) {
    patience_ = std::clamp(2 * patience_, kLeastPatience, kMostPatience);
  } else {
    patience_ /= 2;
  }
  if (patience_ >= kSoon && !std::exchange(said_soon_, true)) verdict.outgrown_soon = true;
}

}  // namespace spawning
