// SPDX-License-Identifier: MIT
#include "top/top_summary.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "top/figures.hpp"

namespace spawning {
namespace {

constexpr std::size_t kSummaryLines = 2;  // of what went wrong; the traceback has the rest

Style style_if(bool condition, Style style) { return condition ? style : Style::plain; }

Style style_of_phase(const std::string& phase) {
  return phase == "serving" ? Style::good : Style::warning;
}

StyledLine identity(const ObservedStatus& now, const TopView& view) {
  StyledLine pieces{{"spawn " + now.version, Style::strong},
                    {view.source},
                    {"pid " + std::to_string(now.pid)},
                    {"up " + duration_text(now.uptime)},
                    {now.phase, style_of_phase(now.phase)}};
  if (view.paused) pieces.push_back({"PAUSED", Style::warning});
  return pieces;
}

std::string memory_of(const ObservedStatus& now) {
  double sum = 0;
  bool measured = false;
  for (const WorkerSample& worker : now.workers) {
    measured = measured || worker.memory;
    sum += static_cast<double>(worker.memory.value_or(0));
  }
  return measured ? octets_text(sum) : "-";
}

StyledLine load(const ObservedStatus& now) {
  const std::string workers =
      "workers " + std::to_string(now.ready) + "/" + std::to_string(now.wanted);
  return {{workers, style_if(now.ready < now.wanted, Style::bad)},
          {"generation " + std::to_string(now.generation)},
          {"connections " + std::to_string(now.connections)},
          {"running " + std::to_string(now.running)},
          {"queued " + std::to_string(now.queued), style_if(now.queued > 0, Style::warning)}};
}

std::string percentile_text(const ObservedStatus& now, std::optional<double> seconds) {
  if (!seconds) return "-";
  if (std::isfinite(*seconds)) return "≤" + latency_text(*seconds);
  return now.duration_bounds.empty() ? "?" : ">" + latency_text(now.duration_bounds.back());
}

StyledLine traffic(const ObservedStatus& now, const TopRates& rates) {
  StyledLine pieces{{rate_text(rates.answers) + " requests/s", Style::strong},
                    {"p50 " + percentile_text(now, rates.median)},
                    {"p99 " + percentile_text(now, rates.percentile_99)},
                    {"sent " + octets_text(rates.body_octets) + "/s"},
                    {"cpu " + decimal_text(rates.cpu_percent, 0) + "%"},
                    {"memory " + memory_of(now)}};
  if (rates.since_start) pieces.push_back({"(since start)", Style::faint});
  return pieces;
}

// A rate, and how many there have been so far.
Piece failures(const char* name, double rate, std::uint64_t all) {
  return {std::string{name} + " " + rate_text(rate) + "/s (" + std::to_string(all) + ")",
          style_if(rate > 0, Style::bad)};
}

StyledLine errors(const ObservedStatus& now, const TopRates& rates) {
  return {failures("5xx", rates.server_errors, now.server_errors),
          failures("refused", rates.refused, now.refused),
          failures("timed out", rates.timed_out, now.timed_out)};
}

// A failure has lines of its own.
std::vector<StyledLine> reload(const ReloadSample& latest, std::size_t columns) {
  const bool failed = latest.verdict == "failed", loading = latest.verdict == "loading";
  const Style style = failed ? Style::bad : loading ? Style::warning : Style::plain;
  std::vector<StyledLine> lines{
      {{"reload " + std::to_string(latest.generation) + "  "}, {latest.verdict, style}}};
  if (latest.age) {
    const std::string age = duration_text(*latest.age);
    lines[0].push_back({loading ? " for " + age : " " + age + " ago"});
  }
  if (!latest.cause.empty()) lines[0].push_back({"  (" + latest.cause + ")"});
  if (!failed) return lines;
  std::vector<StyledLine> summary =
      wrapped({latest.summary, Style::bad}, columns - std::min<std::size_t>(columns, 2));
  summary.resize(std::min(summary.size(), kSummaryLines));
  for (StyledLine& line : summary) {
    line.insert(line.begin(), {"  "});
    lines.push_back(std::move(line));
  }
  return lines;
}

StyledLine restarts(const ObservedStatus& now) {
  StyledLine pieces{{"restarted workers:"}};
  for (const auto& [reason, times] : now.restarts)
    pieces.push_back({reason + " " + std::to_string(times)});
  return pieces;
}

}  // namespace

std::vector<StyledLine> top_summary(const ObservedStatus& now, const TopRates& rates,
                                    const TopView& view) {
  std::vector<StyledLine> lines;
  const auto add = [&lines, &view](const StyledLine& pieces) {
    for (StyledLine& line : flowed(pieces, view.columns)) lines.push_back(std::move(line));
  };
  add(identity(now, view));
  for (StyledLine& line : wrapped({view.trouble, Style::bad}, view.columns))
    lines.push_back(std::move(line));
  add(load(now));
  add(traffic(now, rates));
  add(errors(now, rates));
  if (now.last_reload) {
    for (StyledLine& line : reload(*now.last_reload, view.columns))
      lines.push_back(std::move(line));
  }
  if (!now.restarts.empty()) add(restarts(now));
  return lines;
}

}  // namespace spawning
