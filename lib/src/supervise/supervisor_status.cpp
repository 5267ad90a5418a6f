// SPDX-License-Identifier: MIT
// What a Supervisor knows of how the service is.
#include <algorithm>
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

}  // namespace

StatusReport Supervisor::State::report() {
  measure_memory();
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
  report.totals = scoreboard.totals();
  report.restarts = restarts;
  for (std::size_t i = 0; i < kReloadVerdicts; ++i) {
    const auto verdict = static_cast<ReloadVerdict>(i);
    if (verdict != ReloadVerdict::loading)
      report.reload_counts[to_string(verdict)] = reloads.count(verdict);
  }
  report.reloads = reloads.all();
  report.configuration = plans.current().settings;
  return report;
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
void Supervisor::State::measure_memory() {
  const auto begin = now();
  std::vector<Record*> outdated;
  for (auto& [worker, record] : records) {
    const bool fresh = record.memory && begin - record.memory_since < kMemoryAge;
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
