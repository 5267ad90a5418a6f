// SPDX-License-Identifier: MIT
// What a Supervisor knows of how the service is.
#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "base/memory_usage.hpp"
#include "base/processor_time.hpp"
#include "supervise/supervisor_state.hpp"

namespace spawning {
namespace {

using namespace std::chrono_literals;

// Whoever asks waits for what is measured anew: a few workers a time, where there are many.
constexpr auto kMemoryAge = 5s;
constexpr auto kMostMeasuring = 5ms;
// Of what nobody may ever look at: 2.5 ms for a worker of 115 MiB are a hundredth of a percent of a
// processor.
constexpr auto kMemoryAgeUnasked = 30s;

}  // namespace

StatusReport Supervisor::State::report() {
  measure_memory(kMemoryAge);
  StatusReport report;
  report.version = config.status->version;
  report.pid = ::getpid();
  report.now = std::chrono::system_clock::now();
  report.started = started;
  report.phase = serves ? ServicePhase::serving : ServicePhase::starting;
  if (fleet.stopping()) report.phase = ServicePhase::stopping;
  report.generation = newest_generation;
  report.wanted = fleet.processes();
  for (const auto& [worker, record] : records) {
    if (record.handle) report.workers.push_back(report_of(record));
  }
  list_requests(report);
  report.totals = scoreboard.totals();
  report.restarts = restarts.counts;
  report.recent_restarts = restarts.latest;
  for (std::size_t i = 0; i < kReloadVerdicts; ++i) {
    const auto verdict = static_cast<ReloadVerdict>(i);
    if (verdict != ReloadVerdict::loading)
      report.reload_counts[to_string(verdict)] = reloads.count(verdict);
  }
  report.reloads = reloads.all();
  report.configuration = plans.current().settings;
  return report;
}

// The oldest ones first. All ages are of the same moment, so that they are in the same order.
void Supervisor::State::list_requests(StatusReport& report) const {
  const auto moment = now();
  for (WorkerReport& worker : report.workers) {
    for (ListedRequest& each : scoreboard.running(worker.slot).list()) {
      const std::chrono::nanoseconds age = std::max(moment - each.began, 0ns);
      worker.oldest = std::max(worker.oldest, age);
      report.running.push_back({.method = std::move(each.method),
                                .path = std::move(each.path),
                                .path_cut = each.path_cut,
                                .client = std::move(each.client),
                                .pid = worker.pid,
                                .slot = worker.slot,
                                .generation = worker.generation,
                                .thread = each.thread,
                                .age = age});
    }
  }
  std::ranges::sort(report.running, std::ranges::greater{}, &RunningReport::age);
}

StatusSample Supervisor::State::sample() {
  measure_memory(kMemoryAgeUnasked);
  StatusSample sample;
  sample.totals = scoreboard.totals();
  if (!records.empty()) sample.memory = Bytes{0};
  for (const auto& [worker, record] : records) {
    if (!record.handle) continue;
    const ScoreboardSlot& slot = scoreboard.slot(record.description.slot);
    sample.connections += slot.connections_open;
    sample.running += slot.requests_running;
    sample.queued += slot.requests_queued;
    if (!record.memory) {
      sample.memory.reset();
    } else if (sample.memory) {
      sample.memory->count += record.memory->count;
    }
  }
  return sample;
}

WorkerReport Supervisor::State::report_of(const Record& record) const {
  const ScoreboardSlot& slot = scoreboard.slot(record.description.slot);
  WorkerReport report;
  report.slot = record.description.slot;
  report.pid = record.description.pid;
  report.generation = record.description.generation;
  report.serves = record.serves_since.has_value();
  report.draining = record.draining || record.killed;
  report.started = record.started;
  report.connections = slot.connections_open;
  report.running = slot.requests_running;
  report.queued = slot.requests_queued;
  report.answers = slot.answers();
  report.memory = record.memory;
  report.cpu = processor_time_of(report.pid).value_or(0ms);
  return report;
}

// Of those whose measure is old, the oldest ones first.
void Supervisor::State::measure_memory(std::chrono::seconds age) {
  const auto begin = now();
  std::vector<Record*> outdated;
  for (auto& [worker, record] : records) {
    const bool fresh = record.memory && begin - record.memory_since < age;
    if (record.handle && !fresh) outdated.push_back(&record);
  }
  std::ranges::sort(outdated, {}, &Record::memory_since);
  for (Record* record : outdated) {
    record->memory = memory_of(record->description.pid);
    record->memory_since = now();
    if (record->memory_since - begin > kMostMeasuring) return;
  }
}

}  // namespace spawning
