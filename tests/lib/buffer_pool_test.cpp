// SPDX-License-Identifier: MIT
#include "net/buffer_pool.hpp"

#include <gtest/gtest.h>

namespace spawning {
namespace {

constexpr std::size_t kSize = 2 * Buffer::kPage;

TEST(BufferPoolTest, HandsOutWhatHasComeBack) {
  BufferPool pool{kSize, 1};
  Buffer buffer = pool.take();
  ASSERT_EQ(buffer.size, kSize);
  const char* const octets = buffer.octets.get();

  pool.give_back(std::move(buffer));

  EXPECT_EQ(pool.take().octets.get(), octets);
}

TEST(BufferPoolTest, KeepsNoneOfAnotherSize) {
  BufferPool pool{kSize, 1};
  Buffer small{Buffer::kPage / 2};
  const char* const octets = small.octets.get();

  pool.give_back(std::move(small));

  EXPECT_NE(pool.take().octets.get(), octets);
}

TEST(BufferPoolTest, KnowsWhenMoreAreInUseThanItKeeps) {
  BufferPool pool{kSize, 1};
  Buffer first = pool.take();
  EXPECT_FALSE(pool.many());
  Buffer second = pool.take();
  EXPECT_TRUE(pool.many());

  pool.give_back(std::move(second));

  EXPECT_FALSE(pool.many());
}

TEST(BufferPoolTest, DoesNotWaitForThoseThatAreWrittenOff) {
  BufferPool pool{kSize, 1};
  const Buffer first = pool.take(), second = pool.take();

  pool.write_off(first);

  EXPECT_FALSE(pool.many());
}

}  // namespace
}  // namespace spawning
