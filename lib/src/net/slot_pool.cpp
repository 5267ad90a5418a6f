// SPDX-License-Identifier: MIT
#include "net/slot_pool.hpp"

#include <memory>

namespace spawning {

struct alignas(std::max_align_t) SlotPool::Slot {
  Chunks::iterator chunk;
  Slot* next = nullptr;  // free one
};

SlotPool::SlotPool(std::size_t slot_size, std::size_t kept)
    : stride_{(sizeof(Slot) + slot_size + alignof(Slot) - 1) / alignof(Slot) * alignof(Slot)},
      in_chunk_{kChunk / stride_},
      kept_{kept} {}

SlotPool::~SlotPool() = default;

void* SlotPool::take() {
  const std::lock_guard lock{mutex_};
  if (free_ == 0) add_chunk();
  const auto chunk = chunks_.begin();
  Slot* const slot = chunk->free;
  chunk->free = slot->next;
  --free_;
  if (++chunk->used == in_chunk_) chunks_.splice(chunks_.end(), chunks_, chunk);
  return slot + 1;
}

void SlotPool::give_back(void* place) {
  Slot* const slot = static_cast<Slot*>(place) - 1;
  const std::lock_guard lock{mutex_};
  const auto chunk = slot->chunk;
  slot->next = chunk->free;
  chunk->free = slot;
  ++free_;
  if (chunk->used-- == in_chunk_) chunks_.splice(chunks_.begin(), chunks_, chunk);
  if (chunk->used > 0 || free_ < kept_ + in_chunk_) return;
  free_ -= in_chunk_;
  chunks_.erase(chunk);
}

std::size_t SlotPool::held() const {
  const std::lock_guard lock{mutex_};
  return chunks_.size() * kChunk;
}

void SlotPool::add_chunk() {
  chunks_.push_front({Buffer{kChunk}});
  const auto chunk = chunks_.begin();
  for (std::size_t i = in_chunk_; i > 0; --i) {
    void* const place = chunk->memory.octets.get() + (i - 1) * stride_;
    chunk->free = ::new (place) Slot{chunk, chunk->free};
  }
  free_ += in_chunk_;
}

}  // namespace spawning
