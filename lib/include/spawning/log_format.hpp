// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What a line of the access log looks like.

#include <chrono>
#include <cstddef>
#include <ctime>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "spawning/exchange.hpp"
#include "spawning/export.hpp"

namespace SPAWNING_EXPORT spawning {

/// An exchange on its way into the log.
struct LogEntry {
  const ExchangeRecord& record;
  std::chrono::system_clock::time_point ended{};
  /// Of what a client has sent, so many octets of a line each. What is cut ends with "...".
  std::size_t longest_value = std::numeric_limits<std::size_t>::max();

  /// When the request was complete, so that with the duration it gives the end.
  [[nodiscard]] std::chrono::system_clock::time_point began() const {
    return ended - std::chrono::duration_cast<std::chrono::system_clock::duration>(record.duration);
  }
};

/// One of the steps that a LogFormat consists of: what to append, and what it remembers for that.
struct LogStep {
  void (*write)(LogStep& step, const LogEntry& entry, std::string& line) = nullptr;
  bool reads_response_head = false;
  std::string argument{};   ///< a literal text, the name of a field, the format of a time
  std::time_t second = -1;  ///< that `text`, the text of a time, is good for
  std::string text{};
};

/// A format as a list of steps, made once: `spawning` (the default), `common`, `combined`, `json`, or
/// a text with Apache's directives, as docs/logging.md has them.
///
/// Whatever a client sends, an entry is one line. In text, quotes, backslashes, control octets and
/// those beyond ASCII are escaped by a backslash as Apache does it, and what is not there is "-".
/// JSON is valid, ASCII but for valid UTF-8, and leaves out what is not there.
///
/// \par Threads  None of its own; one at a time, since it keeps the texts of times.
class LogFormat {
 public:
  /// \throws StartupError that names the directive which there is not, or lacks its argument.
  [[nodiscard]] static LogFormat parse(std::string_view text);

  /// Appends the line, with its newline. No allocation once `line` and the texts of times are large
  /// enough.
  void append(const LogEntry& entry, std::string& line);

  /// Whether it needs ExchangeRecord::response_head.
  [[nodiscard]] bool reads_response_heads() const { return reads_response_heads_; }

 private:
  std::vector<LogStep> steps_;
  bool reads_response_heads_ = false;
};

}  // namespace spawning
