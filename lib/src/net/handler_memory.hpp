// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Memory for what is posted to the event loop again and again.

#include <array>
#include <atomic>
#include <cstddef>
#include <new>

namespace spawning {

/// Room for one posted handler, so that posting it allocates nothing; a second one at the same time is
/// allocated as usual.
///
/// \par Threads   Any.
/// \par Lifetime  May be part of what the handler itself keeps alive: Asio moves a handler out before
///                it frees its memory.
class HandlerMemory {
 public:
  HandlerMemory() = default;
  HandlerMemory(const HandlerMemory&) = delete;
  HandlerMemory& operator=(const HandlerMemory&) = delete;

  [[nodiscard]] void* allocate(std::size_t size) {
    const bool fits = size <= memory_.size() && !used_.exchange(true, std::memory_order_acquire);
    return fits ? memory_.data() : ::operator new(size);
  }

  void deallocate(void* memory) {
    if (memory == memory_.data()) return used_.store(false, std::memory_order_release);
    ::operator delete(memory);
  }

 private:
  alignas(std::max_align_t) std::array<std::byte, 128> memory_;
  std::atomic<bool> used_{false};
};

/// For boost::asio::bind_allocator.
template <typename Value>
class HandlerAllocator {
 public:
  using value_type = Value;

  explicit HandlerAllocator(HandlerMemory& memory) : memory_{&memory} {}
  template <typename Other>
  HandlerAllocator(const HandlerAllocator<Other>& other) : memory_{other.memory_} {}

  [[nodiscard]] Value* allocate(std::size_t count) {
    return static_cast<Value*>(memory_->allocate(count * sizeof(Value)));
  }
  void deallocate(Value* place, std::size_t) { memory_->deallocate(place); }

  friend bool operator==(const HandlerAllocator&, const HandlerAllocator&) = default;

 private:
  template <typename Other>
  friend class HandlerAllocator;

  HandlerMemory* memory_;
};

}  // namespace spawning
