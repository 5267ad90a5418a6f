// SPDX-License-Identifier: MIT
#include "spawning/control_channel.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <stdexcept>
#include <string>

#include "spawning/error.hpp"
#include "support/descriptor_sending.hpp"
#include "support/run_until.hpp"

namespace spawning {
namespace {

using test::run_until, test::send_with_descriptor;

struct Received {
  std::string line;
  std::vector<UniqueFd> descriptors;
};

struct ControlChannelTest : ::testing::Test {
  ControlChannelTest() {
    auto [here, there] = ControlChannel::make_pair();
    near.emplace(context, std::move(here),
                 ControlChannel::Callbacks{[](auto, auto) {}, [this] { ++near_closed; }});
    other_end = std::move(there);
  }

  void open_far() { far.emplace(context, std::move(other_end), far_callbacks()); }

  // What execve(2) would leave of `far`, with descriptors of their own.
  [[nodiscard]] ControlChannel::Remains remains_of_far() const {
    ControlChannel::Remains remains = far->remains();
    const auto keep = [](int& fd) { fd = fd < 0 ? fd : ::fcntl(fd, F_DUPFD_CLOEXEC, 0); };
    keep(remains.socket);
    for (int& fd : remains.descriptors) keep(fd);
    for (auto& message : remains.unsent) {
      for (int& fd : message.descriptors) keep(fd);
    }
    return remains;
  }

  ControlChannel::Callbacks far_callbacks() {
    return {[this](std::string_view line, std::vector<UniqueFd> descriptors) {
              received.push_back({std::string{line}, std::move(descriptors)});
            },
            [this] { ++far_closed; }};
  }

  void send_raw(std::string_view octets) const {
    ASSERT_EQ(::send(other_end.get(), octets.data(), octets.size(), 0),
              static_cast<ssize_t>(octets.size()));
  }

  IoContext context{1};
  std::optional<ControlChannel> near, far;
  UniqueFd other_end;
  std::vector<Received> received;
  int near_closed = 0, far_closed = 0;
};

std::pair<UniqueFd, UniqueFd> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_last_error("pipe2");
  return {UniqueFd{ends[0]}, UniqueFd{ends[1]}};
}

char read_octet(int fd) {
  char octet = 0;
  return ::read(fd, &octet, 1) == 1 ? octet : '\0';
}

TEST_F(ControlChannelTest, DeliversMessagesInOrder) {
  open_far();

  near->send(R"({"type":"configure"})");
  near->send("");
  near->send("third");

  ASSERT_TRUE(run_until(context, [&] { return received.size() == 3; }));
  EXPECT_EQ(received[0].line, R"({"type":"configure"})");
  EXPECT_EQ(received[1].line, "");
  EXPECT_EQ(received[2].line, "third");
}

TEST_F(ControlChannelTest, CallsNothingFromInsideItsMembers) {
  send_raw("early\n");

  open_far();
  near->send("late");

  EXPECT_TRUE(received.empty());
}

TEST_F(ControlChannelTest, DeliversDescriptorsWithTheirMessageCloseOnExec) {
  open_far();
  auto [first_end, first] = make_pipe();
  auto [second_end, second] = make_pipe();
  const std::array<int, 2> both{first_end.get(), second_end.get()};

  near->send("before");
  near->send("two", both);
  near->send("after");

  ASSERT_TRUE(run_until(context, [&] { return received.size() == 3; }));
  EXPECT_TRUE(received[0].descriptors.empty());
  EXPECT_TRUE(received[2].descriptors.empty());
  ASSERT_EQ(received[1].descriptors.size(), 2U);
  EXPECT_EQ(received[1].line, "two");
  EXPECT_EQ(::fcntl(received[1].descriptors[0].get(), F_GETFD), FD_CLOEXEC);
  ASSERT_EQ(::write(second.get(), "2", 1), 1);
  EXPECT_EQ(read_octet(received[1].descriptors[1].get()), '2');
}

TEST_F(ControlChannelTest, KeepsDescriptorsOfAMessageThatHasToWait) {
  const std::string large(700'000, 'x');
  auto [reading, writing] = make_pipe();
  near->send(large);
  const std::array<int, 1> descriptors{reading.get()};
  near->send("with a descriptor", descriptors);
  near->send(large);
  reading.reset();

  open_far();

  ASSERT_TRUE(run_until(context, [&] { return received.size() == 3; }));
  EXPECT_EQ(received[0].line, large);
  EXPECT_EQ(received[2].line, large);
  ASSERT_EQ(received[1].descriptors.size(), 1U);
  ASSERT_EQ(::write(writing.get(), "!", 1), 1);
  EXPECT_EQ(read_octet(received[1].descriptors[0].get()), '!');
}

TEST_F(ControlChannelTest, ClosesDescriptorsThatAreItsOwnOnceTheyAreSent) {
  open_far();
  auto [reading, writing] = make_pipe();
  std::vector<UniqueFd> descriptors;
  descriptors.push_back(std::move(writing));

  near->send("take it", std::move(descriptors));

  ASSERT_TRUE(run_until(context, [&] { return received.size() == 1; }));
  ASSERT_EQ(::write(received[0].descriptors.at(0).get(), "!", 1), 1);
  EXPECT_EQ(read_octet(reading.get()), '!');
  received.clear();
  EXPECT_EQ(read_octet(reading.get()), '\0');  // the end: nobody has the other one any more
}

TEST_F(ControlChannelTest, SendsMoreDescriptorsThanTheSocketHoldsAndTellsWhenItHas) {
  constexpr std::size_t kMessages = 500;
  bool sent = false;
  for (std::size_t i = 0; i < kMessages; ++i) {
    auto [reading, writing] = make_pipe();
    std::vector<UniqueFd> descriptors;
    descriptors.push_back(std::move(writing));
    near->send(std::to_string(i) + std::string(3000, 'x'), std::move(descriptors));
  }
  near->when_sent([&] { sent = true; });
  context.poll();
  EXPECT_FALSE(sent);

  open_far();

  ASSERT_TRUE(run_until(context, [&] { return received.size() == kMessages; }));
  EXPECT_TRUE(run_until(context, [&] { return sent; }));
  for (const auto& each : received) EXPECT_EQ(each.descriptors.size(), 1U);
}

TEST_F(ControlChannelTest, TellsThatEverythingIsSentAlsoWhenNothingCanBeAnyMore) {
  int told = 0;
  near->when_sent([&] { ++told; });
  EXPECT_EQ(told, 0);
  ASSERT_TRUE(run_until(context, [&] { return told == 1; }));
  for (int i = 0; i < 20; ++i) near->send(std::string(100'000, 'x'));

  near->when_sent([&] { ++told; });
  context.poll();
  EXPECT_EQ(told, 1);
  other_end.reset();

  EXPECT_TRUE(run_until(context, [&] { return told == 2; }));
}

TEST_F(ControlChannelTest, DeliversEmptyDescriptorsWhereTheProcessHasNoRoomForThem) {
  open_far();
  auto [reading, writing] = make_pipe();
  const std::array<int, 3> three{reading.get(), reading.get(), reading.get()};
  const std::array<int, 1> one{reading.get()};
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  rlimit tight = limit;
  const UniqueFd next{::dup(reading.get())};
  tight.rlim_cur = static_cast<rlim_t>(next.get()) + 2;  // room for one

  near->send("three", three);
  near->send("one", one);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  far->receive_now();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);

  ASSERT_EQ(received.size(), 2U);
  ASSERT_EQ(received[0].descriptors.size(), 3U);
  EXPECT_TRUE(received[0].descriptors[0]);
  EXPECT_FALSE(received[0].descriptors[1]);
  EXPECT_FALSE(received[0].descriptors[2]);
  EXPECT_EQ(received[1].descriptors.size(), 1U);
  EXPECT_EQ(far_closed, 0);
}

TEST_F(ControlChannelTest, ReportsTheOtherEndsDeathOnceAndAfterItsMessages) {
  near->send("last words");
  near.reset();

  open_far();

  ASSERT_TRUE(run_until(context, [&] { return far_closed > 0; }));
  EXPECT_EQ(received.size(), 1U);
  context.restart();
  context.poll();
  EXPECT_EQ(far_closed, 1);
}

TEST_F(ControlChannelTest, SendsNothingAfterTheOtherEndDied) {
  other_end.reset();

  near->send("into the void");
  ASSERT_TRUE(run_until(context, [&] { return near_closed == 1; }));
  near->send("again");

  EXPECT_EQ(near_closed, 1);
}

TEST_F(ControlChannelTest, ClosesOnALineThatIsTooLong) {
  near.reset();
  auto [here, there] = ControlChannel::make_pair();
  other_end = std::move(there);
  open_far();
  const std::string chunk(100'000, 'x');
  ASSERT_EQ(::fcntl(here.get(), F_SETFL, O_NONBLOCK), 0);

  EXPECT_TRUE(run_until(context, [&] {
    [[maybe_unused]] const auto ignored =
        ::send(here.get(), chunk.data(), chunk.size(), MSG_NOSIGNAL);
    return far_closed == 1;
  }));
  EXPECT_TRUE(received.empty());
}

TEST_F(ControlChannelTest, ClosesOnAMessageWhoseDescriptorsAreMissing) {
  send_raw(
      "\x01"
      "2{}\n");

  EXPECT_TRUE(run_until(context, [&] { return near_closed == 1; }));
}

TEST_F(ControlChannelTest, RefusesWhatIsNoLine) {
  EXPECT_THROW(near->send("two\nlines"), std::invalid_argument);
  EXPECT_THROW(near->send("\x01{}"), std::invalid_argument);
  EXPECT_THROW(near->send(std::string(2 << 20, 'x')), std::length_error);
}

TEST_F(ControlChannelTest, DeliversLastWordsAtOnceWhenAsked) {
  near->send("last words");
  near.reset();
  open_far();

  far->receive_now();

  EXPECT_EQ(received.size(), 1U);
  EXPECT_EQ(far_closed, 1);
}

TEST_F(ControlChannelTest, GoesOnInTheMiddleOfALineAndOfItsDescriptors) {
  auto [here, there] = ControlChannel::make_pair();
  other_end = std::move(there);
  open_far();
  auto [reading, writing] = make_pipe();
  send_with_descriptor(here.get(),
                       "\x01"
                       "1half \xFF",
                       reading.get());
  far->receive_now();

  const auto remains = remains_of_far();
  far.emplace(context, remains, far_callbacks());
  ASSERT_EQ(::send(here.get(), " whole\nnext\n", 12, 0), 12);

  ASSERT_TRUE(run_until(context, [&] { return received.size() == 2; }));
  EXPECT_EQ(received[0].line, "half \xFF whole");
  EXPECT_EQ(received[1].line, "next");
  ASSERT_EQ(received[0].descriptors.size(), 1U);
  ASSERT_EQ(::write(writing.get(), "!", 1), 1);
  EXPECT_EQ(read_octet(received[0].descriptors[0].get()), '!');
}

TEST_F(ControlChannelTest, GoesOnInTheMiddleOfWhatItSends) {
  auto [here, there] = ControlChannel::make_pair();
  other_end = std::move(there);
  open_far();
  const std::string large(700'000, 'x');
  auto [reading, writing] = make_pipe();
  far->send(large);
  const std::array<int, 1> descriptors{reading.get()};
  far->send("with a descriptor", descriptors);
  const auto remains = remains_of_far();
  ASSERT_EQ(remains.unsent.size(), 2U);
  ASSERT_GT(remains.unsent[0].sent, 0U);

  far.emplace(context, remains, far_callbacks());
  near.emplace(context, std::move(here), far_callbacks());

  ASSERT_TRUE(run_until(context, [&] { return received.size() == 2; }));
  EXPECT_EQ(received[0].line, large);
  ASSERT_EQ(received[1].descriptors.size(), 1U);
  ASSERT_EQ(::write(writing.get(), "!", 1), 1);
  EXPECT_EQ(read_octet(received[1].descriptors[0].get()), '!');
}

TEST_F(ControlChannelTest, StaysClosedIfItWas) {
  open_far();
  near.reset();
  ASSERT_TRUE(run_until(context, [&] { return far_closed == 1; }));
  const auto remains = remains_of_far();

  far.emplace(context, remains, far_callbacks());
  far->send("into the void");
  far->receive_now();
  context.restart();
  context.run();

  EXPECT_EQ(far_closed, 1);
}

TEST_F(ControlChannelTest, MayBeDestroyedByItsOwnCallback) {
  int messages = 0;
  auto [here, there] = ControlChannel::make_pair();
  std::optional<ControlChannel> channel;
  channel.emplace(context, std::move(here),
                  ControlChannel::Callbacks{[&](auto, auto) {
                                              ++messages;
                                              channel.reset();
                                            },
                                            [] { FAIL(); }});

  ASSERT_EQ(::send(there.get(), "a\nb\n", 4, 0), 4);

  ASSERT_TRUE(run_until(context, [&] { return !channel; }));
  context.restart();
  context.poll();
  EXPECT_EQ(messages, 1);
}

}  // namespace
}  // namespace spawning
