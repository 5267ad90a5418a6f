// SPDX-License-Identifier: MIT
#include "spawning/top_view.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "top/figures.hpp"
#include "top/styled_line.hpp"
#include "top/top_rates.hpp"
#include "top/top_summary.hpp"
#include "top/top_tables.hpp"

namespace spawning {
namespace {

using Lines = std::vector<StyledLine>;

constexpr std::size_t kAnyNumber = SIZE_MAX;
constexpr std::size_t kRowsWithKeys = 10;  // in fewer, rows are for figures

constexpr std::array<std::string_view, 10> kHelp{
    "q        quit",
    "space p  pause, and go on",
    "+ -      ask less often, or more often",
    "N        workers by slot",
    "M        … by memory",
    "P C      … by use of processors",
    "R        … by requests a second",
    "t        the traceback of the latest reload that failed",
    "? h      these keys",
    "",
};

void append(Lines& lines, Lines more) { std::ranges::move(more, std::back_inserter(lines)); }

// At most `most` lines: what is left out is counted.
Lines cut(Lines lines, std::size_t most, const std::string& what) {
  if (lines.size() <= most) return lines;
  if (most < 3) return {};
  const std::size_t left_out = lines.size() - most + 1;
  lines.resize(most - 1);
  lines.push_back({{"… " + std::to_string(left_out) + " more " + what, Style::faint}});
  return lines;
}

// The workers, and below them the requests; if not both fit, workers have at least half of the room.
Lines workers_and_requests(const ObservedStatus& now, const TopRates& rates, const TopView& view,
                           std::size_t room) {
  Lines workers = worker_table(now, rates, view.order).lines(view.columns);
  Lines requests;
  if (now.requests && !now.requests->empty())
    requests = request_table(*now.requests).lines(view.columns);
  const std::size_t wanted = requests.empty() ? 0 : requests.size() + 1;
  const std::size_t least = std::min(workers.size(), room - room / 2);
  workers = cut(std::move(workers), std::max(least, room - std::min(room, wanted)), "workers");
  const std::size_t rest = room - std::min(room, workers.size() + 1);
  requests = cut(std::move(requests), rest, "requests");
  if (requests.empty()) return workers;
  workers.emplace_back();
  append(workers, std::move(requests));
  return workers;
}

// Its end, which says what is wrong, if not all of it fits.
Lines traceback(const ObservedStatus& now, std::size_t room) {
  if (!now.last_failure) return {{{"No reload has failed."}}};
  Lines lines;
  std::string_view rest = now.last_failure->traceback;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    lines.push_back({{std::string{rest.substr(0, end)}}});
    rest.remove_prefix(std::min(rest.size(), end + 1));
  }
  if (lines.empty()) lines.push_back({{now.last_failure->summary}});
  if (lines.size() > room)
    lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(room));
  return lines;
}

Lines help() {
  Lines lines;
  for (const std::string_view text : kHelp) lines.push_back({{std::string{text}}});
  return lines;
}

Lines body(const ObservedStatus& now, const TopRates& rates, const TopView& view,
           std::size_t room) {
  switch (view.body) {
    case TopBody::help:
      return help();
    case TopBody::traceback:
      return traceback(now, room);
    case TopBody::workers:
      break;
  }
  return workers_and_requests(now, rates, view, room);
}

StyledLine keys(const TopView& view) {
  const double seconds = std::chrono::duration<double>{view.interval}.count();
  return {{"q quit  ? help  space pause  +/- " + decimal_text(seconds, 1) +
               "s  sort N slot M mem P cpu R req  t trace",
           Style::faint}};
}

Lines without_status(const TopView& view) {
  Lines lines{{{"spawn --top  " + view.source, Style::strong}}};
  const bool waiting = view.trouble.empty();
  append(lines, waiting ? Lines{{{"waiting for an answer"}}}
                        : wrapped({view.trouble, Style::bad}, view.columns));
  return lines;
}

}  // namespace

std::vector<std::string> top_lines(const ObservedStatus* now, const ObservedStatus* before,
                                   const TopView& view) {
  const std::size_t rows = view.rows == 0 ? kAnyNumber : view.rows;
  const bool with_keys = view.keys && rows >= kRowsWithKeys && rows != kAnyNumber;
  Lines lines;
  if (now == nullptr) {
    lines = without_status(view);
  } else {
    const TopRates rates = rates_of(*now, before);
    lines = top_summary(*now, rates, view);
    const std::size_t used = lines.size() + 1 + (with_keys ? 1 : 0);
    if (rows > used) {
      lines.emplace_back();
      append(lines, body(*now, rates, view, rows - used));
    }
  }
  lines.resize(std::min(lines.size(), rows - (with_keys ? 1 : 0)));
  if (with_keys) {
    lines.resize(rows - 1);
    lines.push_back(keys(view));
  }
  std::vector<std::string> encoded_lines;
  for (const StyledLine& line : lines)
    encoded_lines.push_back(encoded(line, view.columns, view.colour));
  return encoded_lines;
}

}  // namespace spawning
