// SPDX-License-Identifier: MIT
#include "spawning/body.hpp"

#include <gtest/gtest.h>

#include <string>

namespace spawning {
namespace {

// Reads what is left, `step` octets at a time.
std::string drain(Body& body, std::size_t step) {
  std::string octets, buffer(step, '\0');
  while (const auto count = body.read(buffer)) octets.append(buffer, 0, count);
  return octets;
}

std::string pattern(std::size_t size) {
  std::string octets(size, '\0');
  for (std::size_t i = 0; i < size; ++i) octets[i] = static_cast<char>(i * 7 + i / 251);
  return octets;
}

TEST(BodyTest, IsEmptyAtFirst) {
  Body body;
  char octet = 'x';

  EXPECT_EQ(body.size(), 0u);
  EXPECT_EQ(body.remaining(), 0u);
  EXPECT_EQ(body.unread_in_memory(), "");
  EXPECT_EQ(body.read({&octet, 1}), 0u);
}

TEST(BodyTest, StaysInMemoryUpToTheLimit) {
  Body body{8_B};
  body.append("1234");
  body.append("5678");

  EXPECT_FALSE(body.spooled());
  EXPECT_EQ(body.unread_in_memory(), "12345678");
  EXPECT_EQ(drain(body, 3), "12345678");
  EXPECT_EQ(body.position(), 8u);
}

TEST(BodyTest, MovesToAFileAboveTheLimit) {
  Body body{8_B};
  body.append("12345678");
  body.append("9");
  body.append("abc");

  EXPECT_TRUE(body.spooled());
  EXPECT_EQ(body.size(), 12u);
  EXPECT_EQ(body.unread_in_memory(), "");
  EXPECT_EQ(drain(body, 5), "123456789abc");
}

TEST(BodyTest, SpoolsLargeBodiesAppendedInPieces) {
  const auto octets = pattern(3 << 20);
  Body body;
  for (std::string_view rest = octets; !rest.empty();) {
    const auto piece = rest.substr(0, 16'411);
    body.append(piece);
    rest.remove_prefix(piece.size());
  }

  EXPECT_TRUE(body.spooled());
  EXPECT_EQ(body.size(), octets.size());
  EXPECT_EQ(drain(body, 100'003), octets);
}

TEST(BodyTest, CanBeAppendedToWhileItIsRead) {
  Body body{4_B};
  char two[2];
  body.append("abc");
  ASSERT_EQ(body.read(two), 2u);
  body.append("defgh");
  ASSERT_TRUE(body.spooled());

  EXPECT_EQ(body.remaining(), 6u);
  EXPECT_EQ(drain(body, 4), "cdefgh");
  body.append("i");
  EXPECT_EQ(drain(body, 4), "i");
}

TEST(BodyTest, ReadsWhatIsLeftAsOneTextWhereverItLies) {
  for (const Bytes limit : {Bytes{100}, Bytes{2}}) {
    Body body{limit};
    body.append("abcdef");
    body.skip(2);

    EXPECT_EQ(body.read_all(4_B), "cdef");
    EXPECT_EQ(body.remaining(), 0u);
    EXPECT_EQ(body.read_all(0_B), "");
  }
}

TEST(BodyTest, LeavesABodyThatIsTooLongAsItIs) {
  Body body{2_B};
  body.append("abcdef");

  EXPECT_EQ(body.read_all(5_B), std::nullopt);
  EXPECT_EQ(body.position(), 0u);
  EXPECT_EQ(body.read_all(6_B), "abcdef");
}

TEST(BodyTest, SkipsToItsEndAndNoFurther) {
  for (const Bytes limit : {Bytes{100}, Bytes{2}}) {
    Body body{limit};
    body.append("abcdef");

    body.skip(4);
    EXPECT_EQ(body.remaining(), 2u);
    EXPECT_EQ(drain(body, 8), "ef");
    body.skip(1000);
    EXPECT_EQ(body.position(), 6u);
  }
}

TEST(BodyTest, BorrowsOctetsWithoutACopy) {
  const std::string octets = "borrowed";
  Body body{2_B};

  body.borrow(octets);

  EXPECT_EQ(body.unread_in_memory().data(), octets.data());
  EXPECT_EQ(body.size(), 8u);
  body.skip(2);
  EXPECT_EQ(body.unread_in_memory(), "rrowed");
  EXPECT_EQ(drain(body, 4), "rrowed");
}

TEST(BodyTest, KeepsBorrowedOctetsWhenMoreAreAppended) {
  const std::string octets = "borrowed";
  for (const Bytes limit : {Bytes{100}, Bytes{2}}) {
    Body body{limit};
    body.borrow(octets);

    body.append(" and owned");

    EXPECT_EQ(drain(body, 4), "borrowed and owned");
  }
}

TEST(BodyTest, IsReadyForTheNextRequestAfterClear) {
  Body body{8_B};
  body.append("more than eight octets");
  ASSERT_EQ(drain(body, 4).size(), 22u);

  body.clear();

  EXPECT_FALSE(body.spooled());
  EXPECT_EQ(body.size(), 0u);
  EXPECT_EQ(body.position(), 0u);
  body.append("next");
  EXPECT_EQ(drain(body, 4), "next");
}

}  // namespace
}  // namespace spawning
