// SPDX-License-Identifier: MIT
#include "spawning/log.hpp"

#include <unistd.h>

#include <array>
#include <ctime>
#include <utility>

namespace spawning {
namespace {

std::string_view name_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
  }
  return "?";
}

bool is_control(char octet) { return static_cast<unsigned char>(octet) < 0x20 || octet == '\x7f'; }

void append_escaped(std::string& line, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  for (char octet : text) {
    if (is_control(octet)) {
      const auto value = static_cast<unsigned char>(octet);
      line += {'\\', 'x', kHex[value >> 4], kHex[value & 15]};
    } else {
      line += octet;
    }
  }
}

void write_line(int fd, std::string_view line) {
  [[maybe_unused]] const ssize_t ignored = ::write(fd, line.data(), line.size());
}

}  // namespace

Log::Log(int fd, std::string component, LogLevel threshold)
    : fd_{fd}, component_{std::move(component)}, threshold_{threshold} {}

void Log::block(std::string_view introduction, std::string_view lines) const {
  std::string text = prefix(LogLevel::error);
  append_escaped(text, introduction);
  text += '\n';
  text += lines;
  if (text.back() != '\n') text += '\n';
  write_line(fd_, text);
}

void Log::write(LogLevel level, std::string_view text) const {
  if (!enabled(level)) return;
  std::string line = prefix(level);
  append_escaped(line, text);
  line += '\n';
  write_line(fd_, line);
}

std::string Log::prefix(LogLevel level) const {
  const std::time_t now = std::time(nullptr);
  std::tm calendar{};
  ::localtime_r(&now, &calendar);
  std::array<char, 64> stamp{};
  const std::size_t length =
      std::strftime(stamp.data(), stamp.size(), "[%Y-%m-%d %H:%M:%S %z] [", &calendar);
  std::string text{stamp.data(), length};
  text += std::to_string(::getpid());
  text += "] [";
  text += name_of(level);
  text += "] ";
  text += component_;
  text += ": ";
  return text;
}

}  // namespace spawning
