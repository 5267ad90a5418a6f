// SPDX-License-Identifier: MIT
#include "net/poll_set.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/loopback.hpp"
#include "support/run_until.hpp"

namespace spawning {
namespace {

using test::make_socketpair, test::run_ready, test::run_until;

// One end of a connection in a set, and the other one.
struct Watched final : PollSet::Socket {
  explicit Watched(std::pair<UniqueFd, UniqueFd> ends = make_socketpair())
      : here{std::move(ends.second)}, there{std::move(ends.first)} {}

  void ready(PollSet::Events events) override {
    said.push_back(events);
    if (then) then();
  }
  void hear(std::string_view octets = "x") const {
    ASSERT_EQ(::write(there.get(), octets.data(), octets.size()),
              static_cast<ssize_t>(octets.size()));
  }
  // As much as the socket takes.
  void fill() const {
    const std::string much(1 << 20, 'x');
    while (::send(here.get(), much.data(), much.size(), MSG_DONTWAIT) > 0) {
    }
  }
  void drain_other_end() const {
    std::array<char, 1 << 16> octets{};
    while (::recv(there.get(), octets.data(), octets.size(), MSG_DONTWAIT) > 0) {
    }
  }

  UniqueFd here, there;
  std::vector<PollSet::Events> said;
  std::function<void()> then;
};

struct PollSetTest : ::testing::Test {
  void add(Watched& socket) { set->add(socket.here.get(), socket); }
  void remove(Watched& socket) { set->remove(socket.here.get(), socket); }
  bool hears(Watched& socket, std::size_t times) {
    return run_until(context, [&] { return socket.said.size() == times; });
  }
  void hears_no_more(Watched& socket) {
    const std::size_t before = socket.said.size();
    run_ready(context);
    EXPECT_EQ(socket.said.size(), before);
  }

  IoContext context{1};
  std::optional<PollSet> set{context};
};

TEST_F(PollSetTest, SaysWhatIsThereAlreadyButNotAtOnce) {
  Watched socket;
  socket.hear();

  add(socket);

  EXPECT_TRUE(socket.said.empty());
  ASSERT_TRUE(hears(socket, 1));
  EXPECT_TRUE(socket.said[0].input);
  EXPECT_FALSE(socket.said[0].broken_up);
  remove(socket);
}

TEST_F(PollSetTest, SaysItOnceUntilThereIsMore) {
  Watched socket;
  add(socket);
  socket.hear();
  ASSERT_TRUE(hears(socket, 1));
  hears_no_more(socket);  // though nobody has read it

  socket.hear();

  ASSERT_TRUE(hears(socket, 2));
  remove(socket);
}

TEST_F(PollSetTest, SaysThatTheOtherEndHasGone) {
  Watched socket;
  add(socket);

  socket.there.reset();

  ASSERT_TRUE(hears(socket, 1));
  EXPECT_TRUE(socket.said[0].input);
  EXPECT_TRUE(socket.said[0].broken_up);
  remove(socket);
}

TEST_F(PollSetTest, SaysThatThereIsRoomAgain) {
  Watched socket;
  socket.fill();
  add(socket);
  set->await_output(socket.here.get(), socket);
  hears_no_more(socket);

  socket.drain_other_end();

  ASSERT_TRUE(
      run_until(context, [&] { return !socket.said.empty() && socket.said.back().output; }));
  EXPECT_FALSE(socket.said.back().input);
  remove(socket);
}

TEST_F(PollSetTest, SaysNothingToASocketThatIsRemovedMeanwhile) {
  Watched one, other;
  add(one);
  add(other);
  one.hear();
  other.hear();
  one.then = [&] { remove(other); };
  other.then = [&] { remove(one); };

  ASSERT_TRUE(run_until(context, [&] { return one.said.size() + other.said.size() == 1; }));
  run_ready(context);

  EXPECT_EQ(one.said.size() + other.said.size(), 1U);
  remove(one.said.empty() ? other : one);
}

TEST_F(PollSetTest, LooksAgainWhenTheOthersHaveHadTheirTurn) {
  Watched one, other;
  add(one);
  add(other);
  std::vector<const Watched*> order;
  one.then = [&] {
    order.push_back(&one);
    if (one.said.size() == 1) set->look_again(one);
  };
  other.then = [&] { order.push_back(&other); };
  one.hear();
  other.hear();

  ASSERT_TRUE(run_until(context, [&] { return order.size() == 3; }));

  EXPECT_EQ(order.back(), &one);
  EXPECT_FALSE(one.said.back().input);
  remove(one);
  remove(other);
}

TEST_F(PollSetTest, LooksAgainOnceHoweverOftenItIsAskedTo) {
  Watched socket;
  add(socket);

  set->look_again(socket);
  set->look_again(socket);
  ASSERT_TRUE(hears(socket, 1));
  hears_no_more(socket);

  set->look_again(socket);
  EXPECT_TRUE(hears(socket, 2));
  remove(socket);
}

TEST_F(PollSetTest, SaysThatAReadMayStopAtUrgentOctets) {
  Watched socket{test::make_tcp_pair()};
  add(socket);

  ASSERT_EQ(::send(socket.there.get(), "!", 1, MSG_OOB), 1);

  ASSERT_TRUE(hears(socket, 1));
  EXPECT_TRUE(socket.said[0].broken_up);
  remove(socket);
}

TEST_F(PollSetTest, LooksAgainWhenItIsAskedToByAnybody) {
  Watched socket;
  add(socket);
  run_ready(context);

  set->look_again(socket);

  EXPECT_TRUE(socket.said.empty());
  EXPECT_TRUE(hears(socket, 1));
  remove(socket);
}

TEST_F(PollSetTest, DoesNotLookAgainAtASocketThatIsRemovedMeanwhile) {
  Watched socket;
  add(socket);
  set->look_again(socket);
  remove(socket);

  run_ready(context);

  EXPECT_TRUE(socket.said.empty());
}

TEST_F(PollSetTest, IsNoWorkForTheLoopWithoutASocket) {
  Watched socket;
  add(socket);
  run_ready(context);
  EXPECT_FALSE(context.stopped());

  remove(socket);
  run_ready(context);

  EXPECT_TRUE(context.stopped());
}

TEST_F(PollSetTest, GoesOnAfterItWasEmpty) {
  Watched socket;
  add(socket);
  remove(socket);
  add(socket);

  socket.hear();

  EXPECT_TRUE(hears(socket, 1));
  remove(socket);
}

TEST_F(PollSetTest, WatchesMoreThanItIsToldOfAtOnce) {
  std::vector<Watched> sockets(300);
  for (Watched& each : sockets) {
    add(each);
    each.hear();
  }

  for (Watched& each : sockets) EXPECT_TRUE(hears(each, 1));

  for (Watched& each : sockets) remove(each);
}

TEST_F(PollSetTest, PausesAfterEachTurnThatFoundSomebody) {
  Watched one, other;
  std::vector<std::size_t> heard;  // by the time of each pause
  set->between_turns([&] { heard.push_back(one.said.size() + other.said.size()); });
  add(one);
  add(other);
  run_ready(context);
  EXPECT_TRUE(heard.empty());

  one.hear();
  other.hear();
  ASSERT_TRUE(run_until(context, [&] { return one.said.size() + other.said.size() == 2; }));
  one.hear();
  ASSERT_TRUE(run_until(context, [&] { return one.said.size() == 2; }));

  EXPECT_EQ(heard, (std::vector<std::size_t>{2, 3}));
  remove(one);
  remove(other);
}

TEST_F(PollSetTest, MayEndFromInside) {
  Watched one, other;
  add(one);
  add(other);
  one.hear();
  other.hear();
  const auto end = [&] {
    remove(one);
    remove(other);
    set.reset();
  };
  one.then = other.then = end;

  ASSERT_TRUE(run_until(context, [&] { return !set.has_value(); }));
  run_ready(context);

  EXPECT_EQ(one.said.size() + other.said.size(), 1U);
}

}  // namespace
}  // namespace spawning
