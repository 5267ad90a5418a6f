// SPDX-License-Identifier: MIT
#include "net/outbox.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <utility>

#include "base/spool_file.hpp"
#include "support/loopback.hpp"

namespace spawning {
namespace {

struct OutboxTest : ::testing::Test, Outbox::IoThread {
  std::pair<UniqueFd, UniqueFd> ends = test::make_socketpair();
  static constexpr UnsentLimits kLimits{.in_memory = 64 << 10, .high = 256 << 10};
  std::atomic<std::uint64_t> spooled{0};
  Outbox outbox{ends.first.get(), kLimits, spooled, *this};
  OutboxTest() { EXPECT_EQ(::fcntl(ends.first.get(), F_SETFL, O_NONBLOCK), 0); }

  int flushes = 0, closes = 0, keeps = 0;

  void post_flush() override { ++flushes; }
  void post_close() override { ++closes; }
  void post_kept() override { ++keeps; }

  WriteStatus send(std::string_view octets, Outbox::When when = Outbox::When::now) {
    iovec piece{const_cast<char*>(octets.data()), octets.size()};
    return outbox.send({&piece, 1}, when);
  }

  std::string receive() const {
    std::string text(1 << 20, '\0');
    const ssize_t count = ::recv(ends.second.get(), text.data(), text.size(), MSG_DONTWAIT);
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return text;
  }

  // Fills the socket's buffer and beyond; returns what was given to it in all.
  std::string overfill() {
    std::string sent;
    WriteStatus status = WriteStatus::ok;
    for (int i = 0; status == WriteStatus::ok; ++i) {
      const std::string block(10'000, static_cast<char>('a' + i % 26));
      sent += block;
      status = send(block);
    }
    EXPECT_EQ(status, WriteStatus::full);
    return sent;
  }

  std::string receive_everything() {
    std::string received;
    bool progress = false;
    while (outbox.flush(progress) == Outbox::Flush::blocked) received += receive();
    for (std::string more = receive(); !more.empty(); more = receive()) received += more;
    return received;
  }
};

TEST_F(OutboxTest, SendsFromTheCallingThread) {
  EXPECT_EQ(send("hello"), WriteStatus::ok);

  EXPECT_EQ(receive(), "hello");
  EXPECT_TRUE(outbox.empty());
  EXPECT_EQ(flushes, 0);
}

TEST_F(OutboxTest, GathersPiecesInOrder) {
  std::string one = "one ", two = "two ", three = "three";
  iovec pieces[] = {{one.data(), 4}, {two.data(), 4}, {three.data(), 5}};

  EXPECT_EQ(outbox.send(pieces), WriteStatus::ok);

  EXPECT_EQ(receive(), "one two three");
}

TEST_F(OutboxTest, QueuesWhatTheSocketDoesNotTakeAndLosesNothing) {
  const std::string sent = overfill();

  EXPECT_EQ(flushes, 1);
  EXPECT_FALSE(outbox.empty());
  EXPECT_EQ(receive_everything(), sent);
  EXPECT_TRUE(outbox.empty());
}

TEST_F(OutboxTest, KeepsTheOrderWhenMoreIsSentBehindAQueue) {
  std::string sent = overfill();
  send("the end");
  sent += "the end";

  EXPECT_EQ(receive_everything(), sent);
}

TEST_F(OutboxTest, LeavesWhatMayWaitToTheIoThreadWhichIsAskedOnce) {
  EXPECT_EQ(send("one ", Outbox::When::soon), WriteStatus::ok);
  EXPECT_EQ(send("two", Outbox::When::soon), WriteStatus::ok);

  EXPECT_EQ(receive(), "");
  EXPECT_EQ(flushes, 1);
  EXPECT_FALSE(outbox.empty());
  bool progress = false;
  EXPECT_EQ(outbox.flush(progress), Outbox::Flush::empty);
  EXPECT_EQ(receive(), "one two");
  EXPECT_EQ(send("three", Outbox::When::soon), WriteStatus::ok);
  EXPECT_EQ(flushes, 2);
}

TEST_F(OutboxTest, SendsWhatMayWaitWithWhatMayNot) {
  EXPECT_EQ(send("one ", Outbox::When::soon), WriteStatus::ok);
  EXPECT_EQ(send("two"), WriteStatus::ok);

  EXPECT_EQ(receive(), "one two");
  EXPECT_TRUE(outbox.empty());
}

TEST_F(OutboxTest, SendsWhatMayWaitBeforeAFile) {
  EXPECT_EQ(send("one ", Outbox::When::soon), WriteStatus::ok);
  UniqueFd file = open_spool_file();
  ASSERT_EQ(::pwrite(file.get(), "two ", 4, 0), 4);
  std::string head = "head ";
  iovec piece{head.data(), head.size()};
  EXPECT_EQ(outbox.send_file({&piece, 1}, {std::move(file), 0, 4}, "three"), WriteStatus::ok);

  EXPECT_EQ(receive(), "one head two three");
}

TEST_F(OutboxTest, DoesNotCopyMuchOnlyBecauseItMayWait) {
  const std::string much(100'000, 'x');
  EXPECT_EQ(send("one ", Outbox::When::soon), WriteStatus::ok);
  EXPECT_EQ(send(much, Outbox::When::soon), WriteStatus::ok);

  EXPECT_EQ(receive(), "one " + much);
  EXPECT_TRUE(outbox.empty());
}

TEST_F(OutboxTest, KeepsTheOrderOfWhatMayWaitBehindAQueue) {
  const std::string sent = overfill();
  EXPECT_EQ(send("behind", Outbox::When::soon), WriteStatus::full);

  EXPECT_EQ(receive_everything(), sent + "behind");
}

TEST_F(OutboxTest, KeepsWhatMayGoWithTheNextUntilThatIsSent) {
  EXPECT_EQ(send("one ", Outbox::When::with_next), WriteStatus::ok);
  EXPECT_EQ(send("two ", Outbox::When::with_next), WriteStatus::ok);

  EXPECT_EQ(receive(), "");
  EXPECT_EQ(keeps, 1);
  EXPECT_EQ(flushes, 0);
  EXPECT_EQ(outbox.kept(), 8U);
  EXPECT_FALSE(outbox.empty());
  EXPECT_EQ(send("three"), WriteStatus::ok);
  EXPECT_EQ(receive(), "one two three");
  EXPECT_EQ(outbox.kept(), 0U);
  EXPECT_EQ(send("four", Outbox::When::with_next), WriteStatus::ok);
  EXPECT_EQ(keeps, 2);
}

TEST_F(OutboxTest, SendsWhatItKeepsWhenItIsTold) {
  EXPECT_EQ(send("one", Outbox::When::with_next), WriteStatus::ok);
  outbox.send_kept();
  EXPECT_EQ(receive(), "one");
  EXPECT_EQ(send("two", Outbox::When::with_next), WriteStatus::ok);
  bool progress = false;
  EXPECT_EQ(outbox.flush(progress), Outbox::Flush::empty);

  EXPECT_EQ(receive(), "two");
  EXPECT_EQ(outbox.kept(), 0U);
  EXPECT_TRUE(outbox.empty());
}

TEST_F(OutboxTest, KeepsNoMoreThanItsLimit) {
  const std::string half(Outbox::kMostKept / 2, 'h');
  EXPECT_EQ(send(half, Outbox::When::with_next), WriteStatus::ok);
  EXPECT_EQ(send(half, Outbox::When::with_next), WriteStatus::ok);
  EXPECT_EQ(receive(), "");

  EXPECT_EQ(send("more", Outbox::When::with_next), WriteStatus::ok);

  EXPECT_EQ(receive(), half + half + "more");
  EXPECT_TRUE(outbox.empty());
}

TEST_F(OutboxTest, LeavesWhatItKeepsToTheIoThreadWithWhatMayBeSentSoon) {
  EXPECT_EQ(send("one ", Outbox::When::with_next), WriteStatus::ok);
  EXPECT_EQ(send("two ", Outbox::When::soon), WriteStatus::ok);
  EXPECT_EQ(send("three", Outbox::When::with_next), WriteStatus::ok);

  EXPECT_EQ(flushes, 1);
  EXPECT_EQ(keeps, 1);
  EXPECT_EQ(outbox.kept(), 0U);
  bool progress = false;
  EXPECT_EQ(outbox.flush(progress), Outbox::Flush::empty);
  EXPECT_EQ(receive(), "one two three");
}

TEST_F(OutboxTest, KeepsNothingBehindAQueue) {
  const std::string sent = overfill();
  EXPECT_EQ(send("behind", Outbox::When::with_next), WriteStatus::full);

  EXPECT_EQ(keeps, 0);
  EXPECT_EQ(outbox.kept(), 0U);
  EXPECT_EQ(receive_everything(), sent + "behind");
}

TEST_F(OutboxTest, FindsOutThatTheClientHasGoneWhenWhatItKeepsIsSent) {
  EXPECT_EQ(send("one", Outbox::When::with_next), WriteStatus::ok);
  ends.second.reset();

  outbox.send_kept();

  EXPECT_EQ(closes, 1);
  EXPECT_TRUE(outbox.gone());
}

TEST_F(OutboxTest, FindsOutThatTheClientHasGoneWhenWhatMayWaitIsSent) {
  EXPECT_EQ(send("one ", Outbox::When::soon), WriteStatus::ok);
  ends.second.reset();

  EXPECT_EQ(send("two"), WriteStatus::gone);
  EXPECT_EQ(closes, 1);
  EXPECT_TRUE(outbox.gone());
}

TEST_F(OutboxTest, WaitsUntilLittleIsUnsent) {
  const std::string sent = overfill();
  std::string received;
  std::thread producer{[&] { EXPECT_TRUE(outbox.wait_writable()); }};

  received += receive_everything();
  producer.join();

  EXPECT_EQ(received, sent);
}

TEST_F(OutboxTest, ResumesAProducerOnceWhenLittleIsUnsent) {
  overfill();
  int resumed = 0;
  outbox.when_writable([&] { ++resumed; });
  bool progress = false;
  EXPECT_EQ(outbox.flush(progress), Outbox::Flush::blocked);
  EXPECT_EQ(resumed, 0);

  receive_everything();
  EXPECT_EQ(outbox.flush(progress), Outbox::Flush::empty);

  EXPECT_EQ(resumed, 1);
}

TEST_F(OutboxTest, FindsOutThatTheClientHasGone) {
  ends.second.reset();

  EXPECT_EQ(send("hello"), WriteStatus::gone);
  EXPECT_EQ(send("hello"), WriteStatus::gone);

  EXPECT_EQ(closes, 1);
  EXPECT_TRUE(outbox.gone());
}

TEST_F(OutboxTest, TellsWhoeverWaitsThatTheClientHasGone) {
  overfill();
  int resumed = 0;
  outbox.when_writable([&] { ++resumed; });
  std::thread producer{[&] { EXPECT_FALSE(outbox.wait_writable()); }};

  outbox.mark_gone();
  producer.join();

  EXPECT_EQ(resumed, 1);
  EXPECT_EQ(send("late"), WriteStatus::gone);
}

}  // namespace
}  // namespace spawning
