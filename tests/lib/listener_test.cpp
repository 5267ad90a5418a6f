// SPDX-License-Identifier: MIT
#include "spawning/listener.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <vector>

#include "support/loopback.hpp"
#include "support/run_until.hpp"

namespace spawning {
namespace {

using test::connect_to, test::listen_on_loopback, test::run_ready, test::run_until;

struct ListenerTest : ::testing::Test {
  IoContext context{1};
  int accepted = 0;
  Listener::Sink count = [this](UniqueFd) { ++accepted; };
};

TEST_F(ListenerTest, GivesEveryConnectionToTheSink) {
  auto [socket, port] = listen_on_loopback();
  Listener listener{context, std::move(socket), count};

  auto first = connect_to(port), second = connect_to(port);

  EXPECT_TRUE(run_until(context, [&] { return accepted == 2; }));
}

TEST_F(ListenerTest, LeavesConnectionsInTheBacklogWhilePaused) {
  auto [socket, port] = listen_on_loopback();
  Listener listener{context, std::move(socket), count};
  listener.pause();

  auto waiting = connect_to(port);
  run_ready(context);
  EXPECT_EQ(accepted, 0);

  listener.resume();
  EXPECT_TRUE(run_until(context, [&] { return accepted == 1; }));
}

TEST_F(ListenerTest, AcceptsAfterAPauseThatIsUndoneAtOnce) {
  auto [socket, port] = listen_on_loopback();
  Listener listener{context, std::move(socket), count};

  listener.pause();
  listener.resume();
  auto client = connect_to(port);

  EXPECT_TRUE(run_until(context, [&] { return accepted == 1; }));
}

TEST_F(ListenerTest, MayBePausedFromInsideTheSink) {
  auto [socket, port] = listen_on_loopback();
  Listener* self = nullptr;
  Listener listener{context, std::move(socket), [&](UniqueFd) {
                      ++accepted;
                      self->pause();
                    }};
  self = &listener;

  auto first = connect_to(port), second = connect_to(port);
  EXPECT_TRUE(run_until(context, [&] { return accepted == 1; }));
  run_ready(context);
  EXPECT_EQ(accepted, 1);

  listener.resume();
  EXPECT_TRUE(run_until(context, [&] { return accepted == 2; }));
}

TEST_F(ListenerTest, AsksBeforeEachAccept) {
  auto [socket, port] = listen_on_loopback();
  bool willing = false;
  int asked = 0;
  Listener listener{context, std::move(socket), count, {.may_accept = [&] {
                      ++asked;
                      return willing;
                    }}};

  auto client = connect_to(port);
  EXPECT_TRUE(run_until(context, [&] { return asked == 1; }));
  EXPECT_EQ(accepted, 0);

  willing = true;
  listener.resume();
  EXPECT_TRUE(run_until(context, [&] { return accepted == 1; }));
}

TEST_F(ListenerTest, SharesItsSocketWithASibling) {
  auto [socket, port] = listen_on_loopback();
  UniqueFd copy{::dup(socket.get())};
  auto first = std::make_unique<Listener>(context, std::move(socket), count);
  Listener sibling{context, std::move(copy), count};

  first.reset();
  auto client = connect_to(port);

  EXPECT_TRUE(run_until(context, [&] { return accepted == 1; }));
}

TEST_F(ListenerTest, RestsWhileDescriptorsAreShortAndThenAccepts) {
  auto [socket, port] = listen_on_loopback();
  Listener listener{
      context, std::move(socket), count, {.exhaustion_pause = std::chrono::milliseconds{1}}};
  auto client = connect_to(port);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const UniqueFd next{::dup(client.get())};
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(next.get()) + 1;  // nothing above the last one

  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  run_ready(context);
  EXPECT_EQ(accepted, 0);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);

  EXPECT_TRUE(run_until(context, [&] { return accepted == 1; }));
}

TEST_F(ListenerTest, RestsWhenTheSinkSaysSo) {
  auto [socket, port] = listen_on_loopback();
  Listener* self = nullptr;
  Listener listener{context,
                    std::move(socket),
                    [&](UniqueFd) {
                      ++accepted;
                      self->rest();
                    },
                    {.exhaustion_pause = std::chrono::milliseconds{1}}};
  self = &listener;

  auto first = connect_to(port), second = connect_to(port);
  ASSERT_TRUE(run_until(context, [&] { return accepted > 0; }));
  EXPECT_EQ(accepted, 1);

  EXPECT_TRUE(run_until(context, [&] { return accepted == 2; }));
}

TEST_F(ListenerTest, RejectsADescriptorThatIsNotASocket) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const UniqueFd other{ends[1]};

  EXPECT_THROW((Listener{context, UniqueFd{ends[0]}, count}), std::system_error);
}

TEST_F(ListenerTest, RejectsASocketThatDoesNotListen) {
  auto [one, other] = test::make_socketpair();

  EXPECT_THROW((Listener{context, std::move(one), count}), std::system_error);
}

}  // namespace
}  // namespace spawning
