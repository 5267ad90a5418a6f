// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Read buffers that connections have only while they need one.

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace spawning {

/// A piece of memory of known size, or nothing.
struct Buffer {
  std::unique_ptr<char[]> octets;
  std::size_t size = 0;

  [[nodiscard]] explicit operator bool() const { return octets != nullptr; }
};

/// Hands out buffers of one size and keeps a few returned ones.
/// \par Threads  One.
class BufferPool {
 public:
  BufferPool(std::size_t buffer_size, std::size_t kept) : size_{buffer_size}, kept_{kept} {}

  [[nodiscard]] Buffer take() {
    if (free_.empty()) return {std::make_unique_for_overwrite<char[]>(size_), size_};
    Buffer buffer = std::move(free_.back());
    free_.pop_back();
    return buffer;
  }

  /// Buffers of another size (a connection may have grown its own) are freed.
  void give_back(Buffer buffer) {
    if (buffer.size == size_ && free_.size() < kept_) free_.push_back(std::move(buffer));
  }

 private:
  std::size_t size_;
  std::size_t kept_;
  std::vector<Buffer> free_;
};

}  // namespace spawning
