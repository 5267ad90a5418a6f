// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The error log: one line an event, on a descriptor that the caller owns.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "spawning/export.hpp"

namespace SPAWNING_EXPORT spawning {

/// How much an event matters.
enum class LogLevel : std::uint8_t {
  debug,    ///< a detail
  info,     ///< what becomes of the service, as it should
  warning,  ///< it goes on, but less well than it could
  error,    ///< a request or a worker was lost, or somebody has to act
};

/// What a line looks like.
enum class LogStyle : std::uint8_t {
  text,  ///< `[2026-11-22 14:08:55 +0000] [pid] [level] component: text`, for people
  json,  ///< an object
};

/// \name As options and lines name them: "warning", "json".
/// @{
[[nodiscard]] std::string_view to_string(LogLevel level);
[[nodiscard]] std::string_view to_string(LogStyle style);
/// …and back; empty for any other word.
[[nodiscard]] std::optional<LogLevel> log_level_named(std::string_view word);
[[nodiscard]] std::optional<LogStyle> log_style_named(std::string_view word);
/// @}

/// How a Log writes. Workers have it from their supervisor. \see Seat
struct LogOptions {
  LogLevel threshold = LogLevel::info;  ///< events below it are not written
  LogStyle style = LogStyle::text;
};

class SPAWNING_PRIVATE LogOutput;

/// Writes events as whole lines, in one of two styles.
///
/// One event is one line whatever a client sent: in text, control octets are escaped as `\xNN`; JSON
/// is always valid, and octets that are no UTF-8 are read as Latin-1. Only in text the lines of a
/// traceback or of stacks follow their event as lines of their own; in JSON they are a member of it.
/// On a terminal the level of a text is coloured, unless $TERM is "dumb" or $NO_COLOR is set.
///
/// A line that cannot be written is dropped, and so is one that nobody takes within half a second: a
/// log must not take its program down, nor stop it. The next line that is taken tells how many were.
///
/// \par Threads   Safe: each line is one write(2). Copies write to the same place.
/// \par Lifetime  Borrows the descriptor.
class Log {
 public:
  /// \param fd         where lines go, usually STDERR_FILENO.
  /// \param component  who speaks: "supervisor", "worker".
  Log(int fd, std::string component, LogOptions options = {});

  void debug(std::string_view text) const { write(LogLevel::debug, text, {}); }
  void info(std::string_view text) const { write(LogLevel::info, text, {}); }
  void warning(std::string_view text) const { write(LogLevel::warning, text, {}); }
  void error(std::string_view text) const { write(LogLevel::error, text, {}); }

  /// An error and the traceback of the exception behind it, several lines.
  void traceback(std::string_view text, std::string_view lines) const;

  /// An event and what threads are doing, several lines.
  void stacks(LogLevel level, std::string_view text, std::string_view lines) const;

  [[nodiscard]] bool enabled(LogLevel level) const { return level >= options_.threshold; }
  [[nodiscard]] const LogOptions& options() const { return options_; }

 private:
  // What is more than a line, and its name in JSON.
  struct Block {
    std::string_view name, lines;
  };

  void write(LogLevel level, std::string_view text, const Block& block) const;
  void append_text(std::string& line, LogLevel level, std::string_view text,
                   const Block& block) const;
  void append_json(std::string& line, LogLevel level, std::string_view text,
                   const Block& block) const;

  std::shared_ptr<LogOutput> output_;
  std::string component_;
  LogOptions options_;
};

}  // namespace spawning
