// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Where the lines of the error log go.

#include <atomic>
#include <chrono>
#include <string_view>

namespace spawning {

/// Writes lines to a descriptor that others may write to as well, and whose reader may be stuck.
///
/// A line is one write(2), so that the kernel does not mix it with those of other processes: in a
/// file whatever its length, in a pipe up to 4,096 octets, or while there is room. If nobody takes
/// it within kPatience it is dropped, its rest if it has been begun; those behind it are not waited
/// for until one is taken.
///
/// \par Threads   Safe.
/// \par Lifetime  Borrows the descriptor, which may come to lead elsewhere (dup2(2)).
class LogOutput {
 public:
  explicit LogOutput(int fd);

  LogOutput(const LogOutput&) = delete;
  LogOutput& operator=(const LogOutput&) = delete;

  /// \param line  whole, with its newline. False if it, or a part of it, could not be written.
  [[nodiscard]] bool write(std::string_view line);

  /// \name How many lines have been dropped and not been told of.
  /// @{
  void note_dropped(unsigned count) { dropped_ += count; }
  [[nodiscard]] unsigned take_dropped() { return dropped_.exchange(0); }
  /// @}

  /// Whether people see what is written in colours, if they are to.
  [[nodiscard]] bool shows_colours() const;

  static constexpr std::chrono::milliseconds kPatience{500};

 private:
  [[nodiscard]] bool write_whole(std::string_view line);

  const int fd_;
  const bool colours_are_wanted_;
  std::atomic<unsigned> dropped_{0};
  std::atomic<bool> stuck_{false};
  std::atomic<bool> torn_{false};  // a line was begun and not ended
};

}  // namespace spawning
