// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The error log: one line an event, on a descriptor that the caller owns.

#include <string>
#include <string_view>

namespace spawning {

enum class LogLevel { debug, info, warning, error };

/// Writes events as whole lines: `[2026-11-22 14:08:55 +0000] [pid] [level] component: text`.
///
/// Control octets in the text are escaped as `\xNN`, so that one event is one line whatever a
/// client sent; the exception is `block()`, for tracebacks. A line that cannot be written is
/// dropped: a log must not take its program down.
///
/// \par Threads   Safe: each line is one write(2).
/// \par Lifetime  Borrows the descriptor.
class Log {
 public:
  /// \param fd         where lines go, usually STDERR_FILENO.
  /// \param component  who speaks: "supervisor", "worker".
  /// \param threshold  events below it are not written.
  Log(int fd, std::string component, LogLevel threshold = LogLevel::info);

  void debug(std::string_view text) const { write(LogLevel::debug, text); }
  void info(std::string_view text) const { write(LogLevel::info, text); }
  void warning(std::string_view text) const { write(LogLevel::warning, text); }
  void error(std::string_view text) const { write(LogLevel::error, text); }

  /// An error of several lines, printed as it is (a traceback), after one line that introduces it.
  void block(std::string_view introduction, std::string_view lines) const;

  /// Events below `threshold` are not written from here on. Not while another thread writes.
  void set_threshold(LogLevel threshold) { threshold_ = threshold; }

  [[nodiscard]] bool enabled(LogLevel level) const { return level >= threshold_; }

 private:
  void write(LogLevel level, std::string_view text) const;
  [[nodiscard]] std::string prefix(LogLevel level) const;

  int fd_;
  std::string component_;
  LogLevel threshold_;
};

}  // namespace spawning
