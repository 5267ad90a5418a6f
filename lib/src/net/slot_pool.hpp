// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Places of one size for what connections have only while they are active.

#include <cstddef>
#include <list>
#include <mutex>

#include "net/buffer_pool.hpp"

namespace spawning {

/// Hands out places in chunks of pages that hold nothing else, so that the memory of a crowd goes
/// back to the system when the crowd has come to rest. In the heap, what its connections keep would
/// stand in between and hold the pages.
///
/// \par Threads   Any: the last who lets go of a connection may be anybody.
/// \par Lifetime  It outlives what it has handed out.
class SlotPool {
 public:
  /// \param slot_size  of a place, whose alignment is that of malloc(3)
  /// \param kept       a chunk that becomes empty is kept if fewer places than that are free elsewhere
  SlotPool(std::size_t slot_size, std::size_t kept);
  ~SlotPool();

  SlotPool(const SlotPool&) = delete;
  SlotPool& operator=(const SlotPool&) = delete;

  /// \throws std::bad_alloc
  [[nodiscard]] void* take();
  void give_back(void* place);

  /// Memory that it has of the system, in octets.
  [[nodiscard]] std::size_t held() const;

 private:
  struct Chunk;
  using Chunks = std::list<Chunk>;
  struct Slot;  // what stands before a place
  struct Chunk {
    Buffer memory;
    Slot* free = nullptr;
    std::size_t used = 0;
  };

  static constexpr std::size_t kChunk = 64 << 10;

  void add_chunk();

  const std::size_t stride_;
  const std::size_t in_chunk_;
  const std::size_t kept_;
  mutable std::mutex mutex_;
  std::size_t free_ = 0;
  Chunks chunks_;  // those with a free slot are in front
};

}  // namespace spawning
