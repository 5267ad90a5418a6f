// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Writing lines to a file that other processes write to as well, without ever waiting for it.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "spawning/log.hpp"
#include "spawning/unique_fd.hpp"

namespace spawning {

/// Collects lines, and writes them whole on a thread of its own. \see AccessLog for what it promises
///
/// \par Threads   Safe.
/// \par Lifetime  `log` outlives it. If the destructor's patience has an end, its thread is left to
///                itself, with what it needs.
class LineWriter {
 public:
  LineWriter(UniqueFd destination, const Log& log);
  ~LineWriter();

  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  /// Whether lines are wanted: not for /dev/null.
  [[nodiscard]] bool wanted() const { return wanted_.load(std::memory_order_relaxed); }

  /// A line may be so long and is never mixed with others.
  [[nodiscard]] std::size_t longest_line() const {
    return longest_line_.load(std::memory_order_relaxed);
  }

  /// \param line  with its newline.
  void put(std::string_view line);

  void reopen(UniqueFd destination);
  bool flush(std::chrono::milliseconds patience);
  [[nodiscard]] std::uint64_t lost() const;

 private:
  struct State;
  void adopt(UniqueFd destination);

  std::atomic<bool> wanted_{false};
  std::atomic<std::size_t> longest_line_{0};
  const Log& log_;
  std::shared_ptr<State> state_;  // shared with the thread
};

}  // namespace spawning
