// SPDX-License-Identifier: MIT
#include "record/log_times.hpp"

#include <array>
#include <chrono>
#include <ctime>

#include "base/log_escape.hpp"
#include "record/log_directives.hpp"

namespace spawning {
namespace {

using WallTime = std::chrono::system_clock::time_point;
using Moment = WallTime (*)(const LogEntry& entry);

WallTime beginning(const LogEntry& entry) { return entry.began(); }
WallTime end(const LogEntry& entry) { return entry.ended; }

constexpr auto kInfinite = std::string::npos;

std::uint64_t microseconds(WallTime time) {
  const auto since = std::chrono::floor<std::chrono::microseconds>(time.time_since_epoch());
  return static_cast<std::uint64_t>(since.count());
}

std::time_t seconds(WallTime time) {
  return std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(time));
}

using CalendarText = std::array<char, 256>;

std::string_view write_calendar(const std::tm& calendar, const char* format, CalendarText& text) {
  return {text.data(), std::strftime(text.data(), text.size(), format, &calendar)};
}

// Calendars cost more than all the rest of a line.
template <Moment moment>
void write_formatted(LogStep& step, const LogEntry& entry, std::string& line) {
  const std::time_t second = seconds(moment(entry));
  if (second != step.second) {
    std::tm calendar{};
    ::localtime_r(&second, &calendar);
    CalendarText text{};
    step.text.clear();
    append_text(write_calendar(calendar, step.argument.c_str(), text), kInfinite, step.text);
    step.second = second;
  }
  line += step.text;
}

template <Moment moment, std::uint64_t unit>  // in microseconds
void write_since_epoch(LogStep&, const LogEntry& entry, std::string& line) {
  append_number(microseconds(moment(entry)) / unit, line);
}

template <Moment moment, std::uint64_t unit, int digits>
void write_fraction(LogStep&, const LogEntry& entry, std::string& line) {
  append_padded(microseconds(moment(entry)) % 1'000'000 / unit, digits, line);
}

template <Moment moment>
LogStep step_of(std::string_view format) {
  if (format == "sec") return {.write = write_since_epoch<moment, 1'000'000>};
  if (format == "msec") return {.write = write_since_epoch<moment, 1'000>};
  if (format == "usec") return {.write = write_since_epoch<moment, 1>};
  if (format == "msec_frac") return {.write = write_fraction<moment, 1'000, 3>};
  if (format == "usec_frac") return {.write = write_fraction<moment, 1, 6>};
  const std::string_view shape = format.empty() ? "[%d/%b/%Y:%H:%M:%S %z]" : format;
  return {.write = write_formatted<moment>, .argument = std::string{shape}};
}

}  // namespace

LogStep time_step(std::string_view format) {
  constexpr std::string_view kBegin = "begin:", kEnd = "end:";
  if (format.starts_with(kEnd)) return step_of<end>(format.substr(kEnd.size()));
  if (format.starts_with(kBegin)) format.remove_prefix(kBegin.size());
  return step_of<beginning>(format);
}

void append_timestamp(LogStep& step, const LogEntry& entry, std::string& line) {
  const std::time_t second = seconds(entry.began());
  if (second != step.second) {
    std::tm calendar{};
    ::gmtime_r(&second, &calendar);
    CalendarText text{};
    step.text = write_calendar(calendar, "%Y-%m-%dT%H:%M:%S.", text);
    step.second = second;
  }
  line += step.text;
  append_padded(microseconds(entry.began()) % 1'000'000, 6, line);
  line += 'Z';
}

}  // namespace spawning
