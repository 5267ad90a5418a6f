// SPDX-License-Identifier: MIT
// Which connections a worker takes, and which it leaves or gives to others.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <semaphore>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "spawning/worker.hpp"
#include "support/gated_handler.hpp"
#include "support/worker_fixture.hpp"

namespace spawning {
namespace {

using namespace std::chrono_literals;
using test::kRequest, test::RawClient, test::run_until;

struct WorkerConnectionsTest : test::WorkerTest {
  // To the worker, as the supervisor does that finds nobody else.
  void give_back() {
    ASSERT_EQ(given_away.size(), 1U);
    const auto given = std::ranges::find_if(messages, [](const auto& each) {
      return std::holds_alternative<control::Connections>(each);
    });
    ASSERT_NE(given, messages.end());
    channel->send(control::encode(*given), std::exchange(given_away, {}));
  }

  // Of a connection that the supervisor passes on, behind all that it has said.
  [[nodiscard]] RawClient adopted_client() {
    auto [ours, theirs] = test::make_tcp_pair();
    std::vector<UniqueFd> sockets;
    sockets.push_back(std::move(theirs));
    channel->send(control::encode(control::Connections{{{.requests = 2}}}), std::move(sockets));
    return RawClient{context, std::move(ours)};
  }

  [[nodiscard]] bool asks_whether_all_is_dealt_out() {
    return run_until(context, [&] { return messages.back() == all_dealt_out; });
  }
};

// One that serves in slot 0, as far as the scoreboard shows.
void pretend_a_sibling(const Scoreboard& scoreboard, std::uint64_t idle_threads) {
  ScoreboardSlot& slot = scoreboard.occupy(0);
  slot.generation = 7;
  slot.threads_idle = idle_threads;
  slot.state = WorkerState::serving;
}

TEST_F(WorkerConnectionsTest, LeavesNewConnectionsToItsSiblingsWhileEveryThreadIsBusy) {
  test::GatedHandler slow{"slow"};
  serve(slow, 1);
  pretend_a_sibling(scoreboard, 0);
  auto first = connect();
  first.send(kRequest);
  slow.wait_until_inside();

  auto second = connect();
  second.send(kRequest);
  auto third = connect();  // something the I/O thread must look at before we do
  EXPECT_EQ(scoreboard.slot(2).connections_accepted.load(), 1U);
  slow.let_go();

  EXPECT_TRUE(first.sees("slow"));
  slow.wait_until_inside();
  slow.let_go();
  EXPECT_TRUE(second.sees("slow"));
}

TEST_F(WorkerConnectionsTest, LetsNewcomersInWhileEveryThreadIsBusyIfNobodyServesBesideIt) {
  test::GatedHandler slow{"slow"};
  serve(slow, 1);
  auto first = connect();
  first.send(kRequest);
  slow.wait_until_inside();

  auto second = connect();
  second.send(kRequest);
  EXPECT_TRUE(run_until(context, [&] { return scoreboard.slot(2).requests_queued.load() == 1; }));

  slow.let_go();
  EXPECT_TRUE(first.sees("slow"));
  slow.wait_until_inside();
  slow.let_go();
  EXPECT_TRUE(second.sees("slow"));
}

TEST_F(WorkerConnectionsTest, LetsNewcomersInWhileItsThreadsAreNeverFreeButGetOn) {
  std::counting_semaphore<> steps{0};
  test::FunctionHandler stepwise{[&](const Request&, Responder responder) {
    steps.acquire();
    responder.respond({}, "a step");
  }};
  serve(stepwise, 1);
  pretend_a_sibling(scoreboard, 0);
  const auto& slot = scoreboard.slot(2);
  std::array clients{connect(), connect()};
  ASSERT_TRUE(run_until(context, [&] { return slot.connections_accepted.load() == 2; }));
  for (auto& client : clients) client.send(kRequest);
  ASSERT_TRUE(run_until(context, [&] { return slot.requests_queued.load() == 1; }));
  auto newcomer = connect();  // from here on no thread is ever free

  for (std::size_t i = 0; i < 2'000 && slot.connections_accepted.load() == 2; ++i) {
    auto& next = clients.at(i % 2);
    ASSERT_TRUE(run_until(context, [&] { return slot.requests_queued.load() == 1; }));
    steps.release();  // the other one's request is queued: the thread goes on without a pause
    ASSERT_TRUE(next.sees("a step"));
    next.forget();
    next.send(kRequest);
  }

  EXPECT_EQ(slot.connections_accepted.load(), 3U);
  steps.release(1000);
  for (auto& client : clients) client.close();
  newcomer.close();
  end();
}

TEST_F(WorkerConnectionsTest, GivesItsConnectionsToItsSupervisorBeforeItEnds) {
  constexpr std::size_t kClients = 100;  // several messages, and the last is not full
  serve(hello, 1);
  std::vector<RawClient> clients;
  for (std::size_t i = 0; i < kClients; ++i) {
    clients.push_back(connect());
    clients.back().send(kRequest);
  }
  for (auto& client : clients) ASSERT_TRUE(client.sees("hello"));
  ASSERT_TRUE(
      run_until(context, [&] { return scoreboard.slot(2).requests_completed.load() == kClients; }));

  send(control::Drain{.deadline = 1s, .hand_over = true});

  EXPECT_TRUE(run_until(context, [&] { return finished(); }));
  channel->receive_now();
  ASSERT_EQ(given_away.size(), kClients);
  const auto& last = std::get<control::Connections>(messages.back());
  EXPECT_EQ(last.states.back(), (control::ConnectionState{.requests = 1}));
  EXPECT_LE(messages.size(), 2 + kClients / ControlChannel::kMostDescriptors);
  clients[7].receive();
  EXPECT_FALSE(clients[7].closed());
}

TEST_F(WorkerConnectionsTest, GoesOnWithConnectionsThatASiblingHasGivenAway) {
  HttpConfig config;
  config.keep_alive_requests = 3;
  serve(hello, 1, config);
  auto [ours, theirs] = test::make_tcp_pair();
  RawClient client{context, std::move(ours)};
  std::vector<UniqueFd> sockets;
  sockets.push_back(std::move(theirs));

  channel->send(control::encode(control::Connections{{{.requests = 2}}}), std::move(sockets));
  client.send(kRequest);

  EXPECT_TRUE(client.sees("hello"));
  EXPECT_NE(client.received().find("Connection: close\r\n"), std::string::npos);
  EXPECT_EQ(scoreboard.slot(2).connections_adopted.load(), 1U);
}

TEST_F(WorkerConnectionsTest, PassesARequestOnThatWaitsWhileASiblingHasAFreeThread) {
  test::GatedHandler slow{"slow"};
  serve(slow, 1);
  auto waits = connect();
  ASSERT_TRUE(
      run_until(context, [&] { return scoreboard.slot(2).connections_accepted.load() == 1; }));
  auto first = connect();
  first.send(kRequest);
  slow.wait_until_inside();
  pretend_a_sibling(scoreboard, 0);

  waits.send(kRequest);
  ASSERT_TRUE(run_until(context, [&] { return scoreboard.slot(2).requests_queued.load() == 1; }));
  EXPECT_TRUE(given_away.empty());
  pretend_a_sibling(scoreboard, 1);

  EXPECT_TRUE(run_until(context, [&] { return given_away.size() == 1; }));
  EXPECT_EQ(messages.back(),
            control::Message{(control::Connections{
                {{.requests = 0, .octets = std::string{kRequest}, .moves = 1}}, {0}})});
  EXPECT_EQ(scoreboard.slot(2).requests_queued.load(), 0U);
  slow.let_go();
  EXPECT_TRUE(first.sees("slow"));
}

TEST_F(WorkerConnectionsTest, AnswersARequestThatCameWithItsConnection) {
  serve(hello, 1);
  auto [ours, theirs] = test::make_tcp_pair();
  RawClient client{context, std::move(ours)};
  std::vector<UniqueFd> sockets;
  sockets.push_back(std::move(theirs));

  channel->send(control::encode(control::Connections{
                    {{.requests = 2, .octets = std::string{kRequest}, .moves = 1}}, {2}}),
                std::move(sockets));

  EXPECT_TRUE(client.sees("hello"));
}

TEST_F(WorkerConnectionsTest, GivesIdleConnectionsToASiblingThatHasFarFewer) {
  serve(hello, 1);
  std::vector<RawClient> clients;
  for (int i = 0; i < 10; ++i) {
    clients.push_back(connect());
    clients.back().send(kRequest);
  }
  for (auto& client : clients) ASSERT_TRUE(client.sees("hello"));

  scoreboard.slot(0).connections_open = 1;  // five are all that is ever too many here
  pretend_a_sibling(scoreboard, 1);

  EXPECT_TRUE(run_until(context, [&] { return given_away.size() == 5; }));
  const auto& last = std::get<control::Connections>(messages.back());
  EXPECT_EQ(last.to, std::vector<unsigned>{0});
  EXPECT_EQ(last.states.back(), (control::ConnectionState{.requests = 1}));
  EXPECT_EQ(scoreboard.slot(2).connections_open.load(), 5U);
}

TEST_F(WorkerConnectionsTest, ClosesConnectionsWhenItIsToldThatNobodyTakesThemAnyMore) {
  test::GatedHandler slow{"whole"};
  serve(slow, 1);
  auto client = connect();
  client.send(kRequest);
  slow.wait_until_inside();
  send(control::Drain{.deadline = 1s, .hand_over = true});
  ASSERT_TRUE(
      run_until(context, [&] { return scoreboard.slot(2).state.load() == WorkerState::draining; }));

  send(control::Drain{.deadline = 1s});
  // Adopted behind that, and closed: it has been heard.
  EXPECT_TRUE(adopted_client().sees_the_end());
  slow.let_go();

  EXPECT_TRUE(client.sees("whole"));
  EXPECT_NE(client.received().find("Connection: close\r\n"), std::string::npos);
  client.close();
  EXPECT_TRUE(run_until(context, [&] { return finished(); }));
  EXPECT_TRUE(given_away.empty());
}

TEST_F(WorkerConnectionsTest, StaysForARequestThatItsSupervisorHasNotDealtOutYet) {
  keeps_up = false;
  test::GatedHandler slow{"slow"};
  serve(slow, 1);
  auto passed_on = connect(), first = connect();
  first.send(kRequest);
  slow.wait_until_inside();
  pretend_a_sibling(scoreboard, 1);
  passed_on.send(kRequest);
  ASSERT_TRUE(run_until(context, [&] { return given_away.size() == 1; }));

  send(control::Drain{.deadline = 1s});
  slow.let_go();
  EXPECT_TRUE(first.sees("slow"));
  first.close();
  ASSERT_TRUE(asks_whether_all_is_dealt_out());
  give_back();
  send(all_dealt_out);
  slow.wait_until_inside();
  EXPECT_FALSE(finished());
  slow.let_go();

  EXPECT_TRUE(passed_on.sees("slow"));
  EXPECT_NE(passed_on.received().find("Connection: close\r\n"), std::string::npos);
  passed_on.close();
  EXPECT_TRUE(run_until(context, [&] { return finished(); }));
}

TEST_F(WorkerConnectionsTest, StaysForWhatComesBackAlsoIfItIsToldMeanwhileThatNobodyTakesIt) {
  keeps_up = false;
  serve(hello, 1);
  auto client = connect();
  client.send(kRequest);
  ASSERT_TRUE(client.sees("hello"));
  send(control::Drain{.deadline = 1s, .hand_over = true});
  ASSERT_TRUE(asks_whether_all_is_dealt_out());
  client.forget();
  client.send(kRequest);

  send(control::Drain{.deadline = 1s});
  // Adopted behind that, and closed: it has been heard.
  EXPECT_TRUE(adopted_client().sees_the_end());
  EXPECT_FALSE(finished());
  give_back();
  send(all_dealt_out);

  EXPECT_TRUE(client.sees("hello"));
  client.close();
  EXPECT_TRUE(run_until(context, [&] { return finished(); }));
  EXPECT_EQ(std::ranges::count(messages, all_dealt_out), 1);
}

TEST_F(WorkerConnectionsTest,
       GoesOnWithConnectionsThatWereDealtToItBeforeItsSupervisorKnewThatItLeaves) {
  serve(hello, 1);
  auto [ours, theirs] = test::make_tcp_pair();
  RawClient client{context, std::move(ours)};
  client.send(kRequest);

  worker->drain();
  ASSERT_TRUE(run_until(context, [&] { return says<control::Leaving>(); }));
  std::vector<UniqueFd> sockets;
  sockets.push_back(std::move(theirs));
  channel->send(control::encode(control::Connections{{{.requests = 2}}}), std::move(sockets));
  send(control::Drain{.deadline = 1s});

  EXPECT_TRUE(client.sees("hello"));
  client.close();
  EXPECT_TRUE(run_until(context, [&] { return finished(); }));
}

TEST_F(WorkerConnectionsTest, EndsWithoutAnAnswerWhenItsSupervisorDies) {
  keeps_up = false;
  serve(hello, 1);
  auto client = connect();
  ASSERT_TRUE(
      run_until(context, [&] { return scoreboard.slot(2).connections_accepted.load() == 1; }));
  send(control::Drain{.deadline = 1s, .hand_over = true});
  ASSERT_TRUE(asks_whether_all_is_dealt_out());
  EXPECT_FALSE(finished());

  channel.reset();

  EXPECT_TRUE(run_until(context, [&] { return finished(); }));
}

TEST_F(WorkerConnectionsTest, AnnouncesTheCloseWhenItIsToldAndGoesOn) {
  serve(hello, 1);
  auto before = connect();

  send(control::AnnounceClose{});
  // Adopted behind that, so it has been heard when this one is answered.
  auto adopted = adopted_client();
  adopted.send(kRequest);
  ASSERT_TRUE(adopted.sees("hello"));

  EXPECT_NE(adopted.received().find("Connection: close\r\n"), std::string::npos);
  before.send(kRequest);
  EXPECT_TRUE(before.sees("hello"));
  EXPECT_NE(before.received().find("Connection: close\r\n"), std::string::npos);
  EXPECT_FALSE(finished());
}

}  // namespace
}  // namespace spawning
