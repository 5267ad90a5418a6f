// SPDX-License-Identifier: MIT
#include "spawning/log.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <limits>
#include <utility>

#include "base/log_escape.hpp"
#include "base/log_output.hpp"

namespace spawning {
namespace {

constexpr std::array<std::string_view, 4> kLevels{"debug", "info", "warning", "error"};
constexpr std::array<std::string_view, 2> kStyles{"text", "json"};

// Dim, yellow and red; that all is well needs no colour.
constexpr std::array<std::string_view, 4> kColours{"\x1b[2m", "", "\x1b[33m", "\x1b[31m"};
constexpr std::string_view kNoColour = "\x1b[0m";

template <typename Enum, std::size_t size>
std::optional<Enum> named(const std::array<std::string_view, size>& names, std::string_view word) {
  const auto* const found = std::ranges::find(names, word);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

bool is_control(char octet) { return static_cast<unsigned char>(octet) < 0x20 || octet == '\x7f'; }

// Control octets but those in `kept` as \xNN.
void append_escaped(std::string& line, std::string_view text, std::string_view kept = {}) {
  constexpr std::string_view kHex = "0123456789abcdef";
  for (char octet : text) {
    if (is_control(octet) && kept.find(octet) == kept.npos) {
      const auto value = static_cast<unsigned char>(octet);
      line += {'\\', 'x', kHex[value >> 4], kHex[value & 15]};
    } else {
      line += octet;
    }
  }
}

void append_string(std::string& line, std::string_view text) {
  spawning::append_json(text, std::numeric_limits<std::size_t>::max(), line);
}

std::string calendar_text(const std::tm& calendar, const char* format) {
  std::array<char, 64> text{};
  return {text.data(), std::strftime(text.data(), text.size(), format, &calendar)};
}

// "2026-11-22 14:08:55 +0000"
std::string local_time() {
  const std::time_t now = std::time(nullptr);
  std::tm calendar{};
  ::localtime_r(&now, &calendar);
  return calendar_text(calendar, "%Y-%m-%d %H:%M:%S %z");
}

// "2026-11-22T14:08:55.123456Z", by RFC 3339
std::string utc_time() {
  const auto now = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  const std::time_t second = std::chrono::system_clock::to_time_t(now);
  std::tm calendar{};
  ::gmtime_r(&second, &calendar);
  std::array<char, 16> fraction{};
  std::snprintf(fraction.data(), fraction.size(), ".%06dZ",
                static_cast<int>(now.time_since_epoch().count() % 1'000'000));
  return calendar_text(calendar, "%Y-%m-%dT%H:%M:%S") + fraction.data();
}

}  // namespace

std::string_view to_string(LogLevel level) { return kLevels.at(static_cast<std::size_t>(level)); }

std::string_view to_string(LogStyle style) { return kStyles.at(static_cast<std::size_t>(style)); }

std::optional<LogLevel> log_level_named(std::string_view word) {
  return named<LogLevel>(kLevels, word);
}

std::optional<LogStyle> log_style_named(std::string_view word) {
  return named<LogStyle>(kStyles, word);
}

Log::Log(int fd, std::string component, LogOptions options)
    : output_{std::make_shared<LogOutput>(fd)},
      component_{std::move(component)},
      options_{options} {}

void Log::traceback(std::string_view text, std::string_view lines) const {
  write(LogLevel::error, text, {"exception.stacktrace", lines});
}

void Log::stacks(LogLevel level, std::string_view text, std::string_view lines) const {
  write(level, text, {"code.stacktrace", lines});
}

void Log::write(LogLevel level, std::string_view text, const Block& block) const {
  if (!enabled(level)) return;
  const auto append = options_.style == LogStyle::json ? &Log::append_json : &Log::append_text;
  std::string line;
  (this->*append)(line, level, text, block);
  const unsigned dropped = output_->take_dropped();
  if (dropped > 0) {
    const std::string said = "lines lost of this log before that one: " + std::to_string(dropped);
    (this->*append)(line, LogLevel::error,
                    said + "; whoever reads it was too slow, or its disk had no room", {});
  }
  if (!output_->write(line)) output_->note_dropped(dropped + 1);
}

// Lines of a block may quote a client; but an octet that does something to a terminal they need not
// have.
void Log::append_text(std::string& line, LogLevel level, std::string_view text,
                      const Block& block) const {
  const std::string_view colour =
      output_->shows_colours() ? kColours.at(static_cast<std::size_t>(level)) : "";
  line.append("[").append(local_time()).append("] [").append(std::to_string(::getpid()));
  line.append("] [").append(colour).append(to_string(level));
  line.append(colour.empty() ? "" : kNoColour).append("] ").append(component_).append(": ");
  append_escaped(line, text);
  line += '\n';
  if (block.lines.empty()) return;
  append_escaped(line, block.lines, "\n\t");
  if (line.back() != '\n') line += '\n';
}

void Log::append_json(std::string& line, LogLevel level, std::string_view text,
                      const Block& block) const {
  line.append(R"({"timestamp":")").append(utc_time());
  line.append(R"(","level":")").append(to_string(level));
  line.append(R"(","process.pid":)").append(std::to_string(::getpid()));
  line.append(R"(,"component":)");
  append_string(line, component_);
  line.append(R"(,"message":)");
  append_string(line, text);
  if (!block.lines.empty()) {
    line.append(R"(,")").append(block.name).append(R"(":)");
    append_string(line, block.lines);
  }
  line.append("}\n");
}

}  // namespace spawning
