// SPDX-License-Identifier: MIT
#include "net/unsent_queue.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "support/loopback.hpp"

namespace spawning {
namespace {

std::string some_octets(std::size_t count) {
  std::string octets(count, '\0');
  for (std::size_t i = 0; i < count; ++i) octets[i] = static_cast<char>('a' + i * 7 % 26);
  return octets;
}

UniqueFd file_of(std::string_view octets) {
  UniqueFd file{::memfd_create("test", MFD_CLOEXEC)};
  EXPECT_EQ(::write(file.get(), octets.data(), octets.size()), static_cast<ssize_t>(octets.size()));
  return file;
}

struct UnsentQueueTest : ::testing::Test {
  std::pair<UniqueFd, UniqueFd> ends = test::make_socketpair();
  std::atomic<std::uint64_t> spooled{0};
  UnsentLimits limits{.in_memory = 10'000, .high = 3'000'000, .spooled = 10'000'000};
  UnsentQueue queue{limits, spooled};
  bool progress = false;

  UnsentQueueTest() { EXPECT_EQ(::fcntl(ends.first.get(), F_SETFL, O_NONBLOCK), 0); }

  [[nodiscard]] std::string receive() const {
    std::string text(1 << 20, '\0');
    const ssize_t count = ::recv(ends.second.get(), text.data(), text.size(), MSG_DONTWAIT);
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return text;
  }

  std::string receive_everything() {
    std::string received;
    while (queue.send(ends.first.get(), progress) == UnsentQueue::Sent::some) received += receive();
    for (std::string more = receive(); !more.empty(); more = receive()) received += more;
    return received;
  }
};

TEST_F(UnsentQueueTest, SendsOctetsInOrder) {
  queue.push("one ");
  queue.push("two");

  EXPECT_EQ(queue.send(ends.first.get(), progress), UnsentQueue::Sent::all);

  EXPECT_TRUE(progress);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(receive(), "one two");
}

TEST_F(UnsentQueueTest, SpoolsWhatIsTooMuchForMemoryAndKeepsTheOrder) {
  const std::string first = some_octets(9'000), second = some_octets(60'000);

  queue.push(first);
  EXPECT_EQ(spooled, 0U);
  queue.push(second);
  EXPECT_EQ(spooled, second.size());
  queue.push("end");

  EXPECT_EQ(receive_everything(), first + second + "end");
  EXPECT_EQ(spooled, 0U);
}

TEST_F(UnsentQueueTest, IsCongestedAboveTheLimitUntilHalfOfItIsUnsent) {
  const std::string octets = some_octets(6'000'000);
  queue.push(octets);
  ASSERT_TRUE(queue.congested());

  std::string received;
  while (queue.congested()) {
    ASSERT_EQ(queue.send(ends.first.get(), progress), UnsentQueue::Sent::some);
    received += receive();
  }

  EXPECT_FALSE(queue.empty());
  received += receive_everything();
  EXPECT_EQ(received, octets);
}

TEST_F(UnsentQueueTest, IsCongestedEarlyWhenAllQueuesTogetherSpoolTooMuch) {
  queue.push(some_octets(20'000));
  EXPECT_FALSE(queue.congested());

  spooled += limits.spooled;

  EXPECT_TRUE(queue.congested());
  spooled -= limits.spooled;
}

TEST_F(UnsentQueueTest, BeginsAnotherSpoolFileBeforeOneGrowsForEver) {
  std::string sent, received;
  for (int i = 0; i < 40; ++i) {
    const std::string block = some_octets(50'000);
    queue.push(block);
    sent += block;
    static_cast<void>(queue.send(ends.first.get(), progress));
    received += receive();
  }

  EXPECT_EQ(received + receive_everything(), sent);
}

TEST_F(UnsentQueueTest, SendsPartsOfFilesBetweenOctets) {
  const std::string content = some_octets(3'000'000);
  queue.push("before|");
  queue.push_file(file_of(content), 1'000, 2'500'000);
  queue.push("|after");

  EXPECT_FALSE(queue.congested());
  EXPECT_EQ(receive_everything(), "before|" + content.substr(1'000, 2'500'000) + "|after");
}

TEST_F(UnsentQueueTest, FailsWhenAFileIsShorterThanWasSaid) {
  queue.push_file(file_of("short"), 0, 10);

  EXPECT_EQ(queue.send(ends.first.get(), progress), UnsentQueue::Sent::failed);
  EXPECT_EQ(receive(), "short");
}

TEST_F(UnsentQueueTest, FailsWithoutASignalWhenTheClientHasGone) {
  ends.second.reset();
  queue.push_file(file_of("content"), 0, 7);

  EXPECT_EQ(queue.send(ends.first.get(), progress), UnsentQueue::Sent::failed);

  sigset_t pending;
  ASSERT_EQ(::sigpending(&pending), 0);
  EXPECT_EQ(::sigismember(&pending, SIGPIPE), 0);
}

TEST_F(UnsentQueueTest, GivesTheSpooledAmountBackWhenDropped) {
  queue.push(some_octets(90'000));
  ASSERT_GT(spooled, 0U);

  queue.clear();

  EXPECT_EQ(spooled, 0U);
  EXPECT_TRUE(queue.empty());
  EXPECT_FALSE(queue.congested());
}

}  // namespace
}  // namespace spawning
