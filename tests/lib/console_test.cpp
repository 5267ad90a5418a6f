// SPDX-License-Identifier: MIT
#include "worker/console.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>
#include <utility>

#include "support/loopback.hpp"

namespace spawning {
namespace {

using test::connect_to, test::listen_on_loopback;

struct ConsoleTest : ::testing::Test {
  void SetUp() override {
    auto [socket, chosen] = listen_on_loopback();
    ::fcntl(socket.get(), F_SETFL, O_NONBLOCK);
    sibling.reset(::dup(socket.get()));
    port = chosen;
    console.emplace(std::move(socket));
  }

  std::uint16_t port = 0;
  UniqueFd sibling;
  std::optional<Console> console;
};

TEST_F(ConsoleTest, LetsPeopleIn) {
  console->open();
  const auto visitor = connect_to(port);

  ASSERT_TRUE(console->wait());
  const UniqueFd accepted = console->accept();

  ASSERT_TRUE(accepted);
  EXPECT_EQ(::fcntl(accepted.get(), F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(::fcntl(accepted.get(), F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(ConsoleTest, LetsNobodyInBeforeItIsOpen) {
  const auto visitor = connect_to(port);
  EXPECT_FALSE(console->accept());
  std::atomic<bool> opened = false;
  bool late = false;
  std::thread waiting{[&] { late = console->wait() && opened; }};

  opened = true;
  console->open();
  waiting.join();

  EXPECT_TRUE(late);
  EXPECT_TRUE(console->accept());
}

TEST_F(ConsoleTest, EndsTheWaitWhenItIsClosed) {
  console->open();
  std::thread waiting{[this] { EXPECT_FALSE(console->wait()); }};

  console->close();
  waiting.join();

  EXPECT_FALSE(console->wait());
  EXPECT_FALSE(console->accept());
}

TEST_F(ConsoleTest, EndsTheWaitOfOneThatWasNeverOpened) {
  std::thread waiting{[this] { EXPECT_FALSE(console->wait()); }};

  console->close();
  waiting.join();
}

TEST_F(ConsoleTest, MissesWhomASiblingHasAccepted) {
  console->open();
  const auto visitor = connect_to(port);
  ASSERT_TRUE(console->wait());

  const UniqueFd taken{::accept(sibling.get(), nullptr, nullptr)};

  EXPECT_TRUE(taken);
  EXPECT_FALSE(console->accept());
}

TEST(ConsoleTestWithoutSocket, LetsNobodyIn) {
  Console console{UniqueFd{}};
  console.open();

  EXPECT_FALSE(console.wait());
  EXPECT_FALSE(console.accept());
}

}  // namespace
}  // namespace spawning
