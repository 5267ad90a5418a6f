// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Read buffers that connections have only while they need one.

#include <sys/mman.h>

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <utility>
#include <vector>

namespace spawning {

/// A piece of memory of known size, or nothing.
///
/// Its pages are its own and go back to the system with it. In the heap, what connections keep would
/// stand between their buffers and hold the pages: 6.7 KiB for each of 10,000 idle connections,
/// instead of 2.7. One that is smaller than a page is in the heap all the same.
struct Buffer {
  static constexpr std::size_t kPage = 4096;

  struct Unmap {
    std::size_t size;  // 0: it is lent
    void operator()(char* memory) const {
      if (size == 0) return;
      if (size < kPage) {
        ::operator delete(memory);
      } else {
        ::munmap(memory, size);
      }
    }
  };

  Buffer() = default;
  /// \throws std::bad_alloc
  explicit Buffer(std::size_t octet_count) : size{octet_count} {
    if (size < kPage) {
      octets = decltype(octets){static_cast<char*>(::operator new(size)), Unmap{size}};
      return;
    }
    void* const pages =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) throw std::bad_alloc{};
    octets = decltype(octets){static_cast<char*>(pages), Unmap{size}};
  }

  /// Somebody else's, who outlives it.
  static Buffer lent(std::span<char> octets) {
    Buffer buffer;
    buffer.octets = decltype(buffer.octets){octets.data(), Unmap{0}};
    buffer.size = octets.size();
    return buffer;
  }

  std::unique_ptr<char[], Unmap> octets;
  std::size_t size = 0;

  [[nodiscard]] explicit operator bool() const { return octets != nullptr; }
};

/// Hands out buffers of one size and keeps a few returned ones.
/// \par Threads  One.
class BufferPool {
 public:
  BufferPool(std::size_t buffer_size, std::size_t kept) : size_{buffer_size}, kept_{kept} {}

  [[nodiscard]] Buffer take() {
    Buffer buffer;
    if (free_.empty()) {
      buffer = Buffer{size_};
    } else {
      buffer = std::move(free_.back());
      free_.pop_back();
    }
    ++taken_;
    return buffer;
  }

  /// Buffers of another size (a connection may have grown its own) are freed.
  void give_back(Buffer buffer) {
    if (buffer.size != size_) return;
    --taken_;
    if (free_.size() < kept_) free_.push_back(std::move(buffer));
  }

  /// It will not be given back.
  void write_off(const Buffer& buffer) {
    if (buffer.size == size_) --taken_;
  }

  /// Whether more of them are in use than it would keep.
  [[nodiscard]] bool many() const { return taken_ > kept_; }

  [[nodiscard]] std::size_t buffer_size() const { return size_; }

 private:
  std::size_t size_;
  std::size_t kept_;
  std::size_t taken_ = 0;
  std::vector<Buffer> free_;
};

}  // namespace spawning
