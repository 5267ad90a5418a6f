// SPDX-License-Identifier: MIT
#include "supervise/usage_watch.hpp"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <string>
#include <utility>

#include "base/memory_usage.hpp"

namespace spawning {
namespace {

// Counting requests reads a cache line a worker.
constexpr std::chrono::seconds kCountEvery{1};
// Weighing a worker of 115 MiB takes 2.5 ms: a twentieth of a percent of a processor each.
// \see memory_of
constexpr unsigned kWeighEvery = 5;  // counts

std::string in_mebibytes(Bytes size) { return std::to_string(size.count >> 20) + " MiB"; }

}  // namespace

struct UsageWatch::State : std::enable_shared_from_this<UsageWatch::State> {
  State(IoContext& context, const ReplacementLimits& l, const Scoreboard& s, const Log& error_log,
        Callbacks c)
      : limits{l}, scoreboard{s}, log{error_log}, callbacks{std::move(c)}, timer{context} {}

  void wait() {
    timer.expires_after(kCountEvery);
    timer.async_wait([self = shared_from_this()](boost::system::error_code error) {
      if (error || self->stopped) return;
      self->look();
      if (!self->stopped) self->wait();
    });
  }

  void look() {
    const auto subjects = callbacks.subjects();
    if (policy.counts_requests()) count(subjects);
    if (!policy.weighs() || ++counts % kWeighEvery != 0) return;
    weigh(subjects);
  }

  void count(const std::vector<Subject>& subjects) {
    for (const Subject& each : subjects) {
      if (!each.serves) continue;
      WorkerUsage usage;
      usage.requests = scoreboard.slot(each.slot).answers();
      if (policy.served_enough(each.worker, usage.requests))
        callbacks.replace(each.worker, ReplaceReason::requests, usage);
    }
  }

  void weigh(const std::vector<Subject>& subjects) {
    std::vector<WorkerMemory> all;
    for (const Subject& each : subjects) {
      if (const auto memory = memory_of(each.pid))
        all.push_back({each.worker, *memory, each.serves});
    }
    const Recycling::Verdict verdict = policy.weigh(all);
    warn(verdict);
    for (WorkerId worker : verdict.too_large) let_go(worker, all, {});
    if (verdict.largest) let_go(*verdict.largest, all, verdict.total);
  }

  void let_go(WorkerId worker, const std::vector<WorkerMemory>& all, Bytes total) {
    WorkerUsage usage;
    usage.memory = std::ranges::find(all, worker, &WorkerMemory::worker)->memory;
    usage.total = total;
    callbacks.replace(worker, ReplaceReason::memory, usage);
  }

  void warn(const Recycling::Verdict& verdict) const {
    const std::string consequence =
        ": raise it; until then workers are replaced once they have grown to half as much again";
    if (const auto memory = verdict.worker_limit_too_low) {
      log.warning("a worker that has just begun uses " + in_mebibytes(*memory) +
                  " already, and --max-worker-memory is " + in_mebibytes(limits.worker_memory) +
                  consequence);
    }
    if (const auto memory = verdict.limit_too_low) {
      log.warning("workers that have just begun use " + in_mebibytes(*memory) +
                  " together already, and --max-memory is " + in_mebibytes(limits.memory) +
                  consequence);
    }
    if (verdict.outgrown_soon) {
      log.warning(
          "workers outgrow the limit of memory within a minute; they are replaced less and less "
          "often, unless they use twice as much: raise --max-memory or --max-worker-memory");
    }
  }

  const ReplacementLimits limits;
  Recycling policy{limits};
  const Scoreboard& scoreboard;
  const Log& log;
  const Callbacks callbacks;
  boost::asio::steady_timer timer;
  unsigned counts = 0;
  bool stopped = false;
};

UsageWatch::UsageWatch(IoContext& context, const ReplacementLimits& limits,
                       const Scoreboard& scoreboard, const Log& log, Callbacks callbacks)
    : state_{std::make_shared<State>(context, limits, scoreboard, log, std::move(callbacks))} {}

UsageWatch::~UsageWatch() { stop(); }

void UsageWatch::start() {
  if (state_->policy.counts_requests() || state_->policy.weighs()) state_->wait();
}

void UsageWatch::go_on_from(Recycling policy) {
  state_->policy = Recycling{state_->limits, std::move(policy)};
}

const Recycling& UsageWatch::policy() const { return state_->policy; }

void UsageWatch::begins(WorkerId worker, pid_t pid) {
  if (!state_->policy.weighs()) return;
  if (const auto memory = memory_of(pid)) state_->policy.begins(worker, *memory);
}

void UsageWatch::stop() {
  state_->stopped = true;
  state_->timer.cancel();
}

}  // namespace spawning
