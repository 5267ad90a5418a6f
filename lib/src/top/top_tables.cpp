// SPDX-License-Identifier: MIT
#include "top/top_tables.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string>
#include <tuple>

#include "top/figures.hpp"

namespace spawning {
namespace {

constexpr double kLongAge = 5, kVeryLongAge = 30;  // seconds that a request runs

// Where each worker stands in the table.
std::vector<std::size_t> sorted(const ObservedStatus& now, const TopRates& rates,
                                WorkerOrder order) {
  const auto weight = [&now, &rates, order](std::size_t i) {
    switch (order) {
      case WorkerOrder::memory:
        return static_cast<double>(now.workers[i].memory.value_or(0));
      case WorkerOrder::cpu:
        return rates.workers[i].cpu_percent;
      case WorkerOrder::requests:
        return rates.workers[i].answers;
      case WorkerOrder::slot:
        break;
    }
    return 0.0;
  };
  std::vector<std::size_t> places(now.workers.size());
  std::iota(places.begin(), places.end(), std::size_t{0});
  std::ranges::sort(places, {}, [&now, &weight](std::size_t i) {
    const WorkerSample& worker = now.workers[i];
    return std::tuple{-weight(i), worker.slot, worker.generation, worker.pid};
  });
  return places;
}

Style style_of_state(const std::string& state) {
  return state == "serving" ? Style::plain : Style::warning;
}

Style style_of_age(double age) {
  if (age >= kVeryLongAge) return Style::bad;
  return age >= kLongAge ? Style::warning : Style::plain;
}

StyledLine row_of(const WorkerSample& worker, const WorkerRates& rates) {
  return {{std::to_string(worker.slot)},
          {std::to_string(worker.pid)},
          {std::to_string(worker.generation)},
          {worker.state, style_of_state(worker.state)},
          {duration_text(worker.uptime)},
          {decimal_text(rates.cpu_percent, 1)},
          {worker.memory ? octets_text(static_cast<double>(*worker.memory)) : "-"},
          {rate_text(rates.answers)},
          {std::to_string(worker.connections)},
          {std::to_string(worker.running)},
          {std::to_string(worker.queued), worker.queued > 0 ? Style::warning : Style::plain}};
}

}  // namespace

TextTable worker_table(const ObservedStatus& now, const TopRates& rates, WorkerOrder order) {
  TextTable table;
  table.columns = {
      {"SLOT", false, 3}, {"PID"}, {"GEN", false, 4}, {"STATE", true},    {"UP", false, 5},
      {"%CPU"},           {"MEM"}, {"REQ/S"},         {"CONN", false, 1}, {"RUN"},
      {"QUEUE", false, 2}};
  for (const std::size_t i : sorted(now, rates, order))
    table.rows.push_back(row_of(now.workers[i], rates.workers[i]));
  return table;
}

TextTable request_table(const std::vector<RequestSample>& requests) {
  TextTable table;
  table.columns = {
      {"RUNS FOR"}, {"SLOT", false, 1}, {"CLIENT", true, 2}, {"METHOD", true}, {"PATH", true}};
  for (const RequestSample& request : requests) {
    table.rows.push_back({{decimal_text(request.age, 1) + "s", style_of_age(request.age)},
                          {std::to_string(request.worker)},
                          {request.client},
                          {request.method},
                          {request.path + (request.path_cut ? "…" : "")}});
  }
  return table;
}

}  // namespace spawning
