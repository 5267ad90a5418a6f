// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Sole ownership of a file descriptor.

#include <utility>

#include "spawning/export.hpp"

namespace SPAWNING_EXPORT spawning {

/// Owns one file descriptor and closes it when destroyed. -1 means "none".
///
/// \par Threads    As any value: distinct objects are independent.
/// \see close(2)
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_{fd} {}
  UniqueFd(UniqueFd&& other) noexcept : fd_{other.release()} {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~UniqueFd() { reset(); }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] explicit operator bool() const { return fd_ >= 0; }

  /// Gives the descriptor away; the caller closes it.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

  /// Closes what is owned, if anything, and owns `fd` instead.
  void reset(int fd = -1) noexcept;

 private:
  int fd_ = -1;
};

}  // namespace spawning
