// SPDX-License-Identifier: MIT
#include "spawning/worker.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <chrono>
#include <optional>
#include <semaphore>
#include <thread>
#include <variant>
#include <vector>

#include "control/message.hpp"
#include "spawning/control_channel.hpp"
#include "spawning/scoreboard.hpp"
#include "support/function_handler.hpp"
#include "support/loopback.hpp"
#include "support/raw_client.hpp"

namespace spawning {
namespace {

using namespace std::chrono_literals;
using test::RawClient, test::run_until;

// The supervisor's side of one worker, in the same process.
struct WorkerTest : ::testing::Test {
  IoContext context{1};
  Scoreboard scoreboard = Scoreboard::create(4);
  std::optional<ControlChannel> channel;
  std::vector<control::Message> messages;
  std::vector<UniqueFd> given_away;
  std::uint16_t port = 0;
  std::optional<Worker> worker;
  std::vector<std::thread> threads;
  test::FunctionHandler hello{
      [](const Request&, Responder responder) { responder.respond({}, "hello"); }};

  void SetUp() override {
    auto [ours, theirs] = ControlChannel::make_pair();
    channel.emplace(context, std::move(ours),
                    ControlChannel::Callbacks{
                        .message =
                            [this](std::string_view line, std::vector<UniqueFd> descriptors) {
                              if (auto message = control::decode(line))
                                messages.push_back(*message);
                              for (UniqueFd& fd : descriptors) given_away.push_back(std::move(fd));
                            },
                        .closed = [] {}});
    Seat seat{.slot = 2,
              .generation = 7,
              .log = {},
              .control = std::move(theirs),
              .scoreboard = {},
              .listeners = {}};
    seat.scoreboard.reset(::dup(scoreboard.fd()));
    auto [listening, chosen] = test::listen_on_loopback();
    port = chosen;
    seat.listeners.push_back(std::move(listening));
    worker.emplace(std::move(seat));
  }

  void TearDown() override {
    if (channel && worker) channel->send(control::encode(control::Drain{}));
    EXPECT_TRUE(run_until(context, [&] { return finished(); }));
    for (auto& thread : threads) thread.join();
    worker.reset();
  }

  void send(const control::Message& message) { channel->send(control::encode(message)); }

  void serve(Handler& handler, int donated, const HttpConfig& config = {}) {
    send(control::Configure{R"({"args":["app"]})"});
    worker->ready(handler, config);
    for (int i = 0; i < donated; ++i) threads.emplace_back([this] { worker->run(); });
    ASSERT_TRUE(run_until(context, [&] { return says<control::Ready>(); }));
    send(control::Serve{});
    ASSERT_TRUE(run_until(context,
                          [&] { return scoreboard.slot(2).state.load() == WorkerState::serving; }));
  }

  template <typename Kind>
  [[nodiscard]] bool says() const {
    return !messages.empty() && std::holds_alternative<Kind>(messages.back());
  }

  [[nodiscard]] bool finished() const {
    pollfd event{worker->finished_fd(), POLLIN, 0};
    return ::poll(&event, 1, 0) == 1;
  }

  RawClient connect() { return {context, test::connect_to(port)}; }
};

constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

void pretend_a_sibling(const Scoreboard& scoreboard, std::uint64_t idle_threads) {
  ScoreboardSlot& slot = scoreboard.occupy(0);
  slot.generation = 7;
  slot.threads_idle = idle_threads;
  slot.state = WorkerState::serving;
}

TEST_F(WorkerTest, PassesItsSettingsOnAsTheyAre) {
  send(control::Configure{R"({"args": ["app"]})"});

  EXPECT_EQ(worker->settings(), R"({"args": ["app"]})");
  EXPECT_EQ(worker->slot(), 2U);
  EXPECT_EQ(worker->generation(), 7U);
}

TEST_F(WorkerTest, ServesOnlyWhenToldTo) {
  worker->ready(hello);
  threads.emplace_back([this] { worker->run(); });
  ASSERT_TRUE(run_until(context, [&] { return says<control::Ready>(); }));
  auto client = connect();
  client.send(kRequest);
  EXPECT_EQ(scoreboard.slot(2).connections_accepted.load(), 0U);

  send(control::Serve{});

  EXPECT_TRUE(client.sees("hello"));
}

TEST_F(WorkerTest, PublishesWhatItDoes) {
  serve(hello, 2);
  auto client = connect();
  client.send(kRequest);
  ASSERT_TRUE(client.sees("hello"));

  const auto& slot = scoreboard.slot(2);
  EXPECT_TRUE(run_until(context, [&] { return slot.exchanges[0][2].load() == 1; }));
  EXPECT_EQ(slot.connections_open.load(), 1U);
  EXPECT_EQ(slot.body_octets_sent.load(), 5U);
}

TEST_F(WorkerTest, ListsWhatItsThreadsWorkOn) {
  std::barrier inside{3}, leave{3};
  test::FunctionHandler slow{[&](const Request&, Responder responder) {
    inside.arrive_and_wait();
    leave.arrive_and_wait();
    responder.respond({}, "done");
  }};
  serve(slow, 2);
  auto first = connect(), second = connect();
  first.send("GET /first?n=1 HTTP/1.1\r\nHost: a\r\n\r\n");
  second.send("DELETE /second HTTP/1.1\r\nHost: a\r\n\r\n");
  inside.arrive_and_wait();

  auto listed = scoreboard.running(2).list();
  std::ranges::sort(listed, {}, &ListedRequest::path);
  ASSERT_EQ(listed.size(), 2U);
  EXPECT_EQ(listed[0].method, "GET");
  EXPECT_EQ(listed[0].path, "/first?n=1");
  EXPECT_EQ(listed[1].method, "DELETE");
  EXPECT_EQ(listed[1].path, "/second");
  EXPECT_EQ(listed[0].thread + listed[1].thread, 1U);
  EXPECT_TRUE(listed[0].client.starts_with("127.0.0.1:"));
  EXPECT_NE(listed[0].client, listed[1].client);

  leave.arrive_and_wait();
  EXPECT_TRUE(first.sees("done"));
  EXPECT_TRUE(second.sees("done"));
  EXPECT_TRUE(run_until(context, [&] { return scoreboard.running(2).list().empty(); }));
  first.close();
  second.close();
  send(control::Drain{});
  EXPECT_TRUE(run_until(context, [&] { return finished(); }));
  for (auto& thread : threads) thread.join();  // before what they have used goes
  threads.clear();
}

TEST_F(WorkerTest, LeavesNewConnectionsToItsSiblingsWhileEveryThreadIsBusy) {
  std::barrier inside{2}, leave{2};
  test::FunctionHandler slow{[&](const Request&, Responder responder) {
    inside.arrive_and_wait();
    leave.arrive_and_wait();
    responder.respond({}, "slow");
  }};
  serve(slow, 1);
  pretend_a_sibling(scoreboard, 0);
  auto first = connect();
  first.send(kRequest);
  inside.arrive_and_wait();

  auto second = connect();
  second.send(kRequest);
  auto third = connect();  // something the I/O thread must look at before we do
  EXPECT_EQ(scoreboard.slot(2).connections_accepted.load(), 1U);
  leave.arrive_and_wait();

  EXPECT_TRUE(first.sees("slow"));
  inside.arrive_and_wait();
  leave.arrive_and_wait();
  EXPECT_TRUE(second.sees("slow"));
}

TEST_F(WorkerTest, LetsNewcomersInWhileEveryThreadIsBusyIfNobodyServesBesideIt) {
  std::barrier inside{2}, leave{2};
  test::FunctionHandler slow{[&](const Request&, Responder responder) {
    inside.arrive_and_wait();
    leave.arrive_and_wait();
    responder.respond({}, "slow");
  }};
  serve(slow, 1);
  auto first = connect();
  first.send(kRequest);
  inside.arrive_and_wait();

  auto second = connect();
  second.send(kRequest);
  EXPECT_TRUE(run_until(context, [&] { return scoreboard.slot(2).requests_queued.load() == 1; }));

  leave.arrive_and_wait();
  EXPECT_TRUE(first.sees("slow"));
  inside.arrive_and_wait();
  leave.arrive_and_wait();
  EXPECT_TRUE(second.sees("slow"));
}

TEST_F(WorkerTest, LetsNewcomersInWhileItsThreadsAreNeverFreeButGetOn) {
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
  send(control::Drain{});
  EXPECT_TRUE(run_until(context, [&] { return finished(); }));
  for (auto& thread : threads) thread.join();  // before what they have used goes
  threads.clear();
}

TEST_F(WorkerTest, FinishesARunningRequestWhenDrained) {
  std::barrier inside{2}, leave{2};
  test::FunctionHandler slow{[&](const Request&, Responder responder) {
    inside.arrive_and_wait();
    leave.arrive_and_wait();
    responder.respond({}, "whole");
  }};
  serve(slow, 1);
  auto client = connect();
  client.send(kRequest);
  inside.arrive_and_wait();

  send(control::Drain{});
  ASSERT_TRUE(
      run_until(context, [&] { return scoreboard.slot(2).state.load() == WorkerState::draining; }));
  EXPECT_FALSE(finished());
  leave.arrive_and_wait();

  EXPECT_TRUE(client.sees("whole"));
  client.close();
  EXPECT_TRUE(run_until(context, [&] { return finished(); }));
}

TEST_F(WorkerTest, AsksOnceToBeReplacedHoweverManyRequestsAreOverdue) {
  std::counting_semaphore<> leave{0};
  test::FunctionHandler stuck{[&](const Request&, Responder responder) {
    leave.acquire();
    responder.respond({}, "late");
  }};
  std::atomic<int> told = 0;
  worker->on_overdue([&](const OverdueRequest& request) {
    EXPECT_EQ(request.target, "/");
    EXPECT_GE(request.running, 20ms);
    ++told;
  });
  HttpConfig config;
  config.request_timeouts.request = 20ms;
  serve(stuck, 2, config);
  auto first = connect(), second = connect();

  first.send(kRequest);
  second.send(kRequest);

  EXPECT_TRUE(first.sees("HTTP/1.1 503 "));
  EXPECT_TRUE(second.sees("HTTP/1.1 503 "));
  EXPECT_TRUE(run_until(context, [&] { return told == 2; }));
  EXPECT_EQ(scoreboard.running(2).list().size(), 2U);  // they have been answered, and still run
  leave.release(2);
  first.close();
  second.close();
  send(control::Drain{});
  EXPECT_TRUE(run_until(context, [&] { return finished(); }));
  EXPECT_EQ(messages.size(), 2U);  // the first says that it is ready
  EXPECT_EQ(messages.back(), control::Message{control::Overdue{20ms}});
  for (auto& thread : threads) thread.join();  // before what they have used goes
  threads.clear();
}

TEST_F(WorkerTest, SaysItsLastWordsWhileARequestKeepsItsThread) {
  std::barrier inside{2}, leave{2};
  test::FunctionHandler slow{[&](const Request&, Responder responder) {
    inside.arrive_and_wait();
    leave.arrive_and_wait();
    responder.respond({}, "late");
  }};
  std::atomic<int> spoken = 0;
  worker->on_last_words([&] { ++spoken; });
  serve(slow, 1);
  auto client = connect();
  client.send(kRequest);
  inside.arrive_and_wait();

  send(control::Explain{});

  EXPECT_TRUE(run_until(context, [&] { return says<control::Explained>(); }));
  EXPECT_EQ(spoken, 1);
  leave.arrive_and_wait();
  EXPECT_TRUE(client.sees("late"));
  client.close();
  send(control::Drain{});
  EXPECT_TRUE(run_until(context, [&] { return finished(); }));
  for (auto& thread : threads) thread.join();  // before what they have used goes
  threads.clear();
}

TEST_F(WorkerTest, SaysItsLastWordsWhileTheApplicationLoads) {
  std::atomic<int> spoken = 0;
  worker->on_last_words([&] { ++spoken; });

  send(control::Explain{});

  EXPECT_TRUE(run_until(context, [&] { return says<control::Explained>(); }));
  EXPECT_EQ(spoken, 1);
}

TEST_F(WorkerTest, ReportsModulesBeforeItIsReadyAndLater) {
  worker->report_modules({"/srv/shop.py", "/srv/cart.py"});
  serve(hello, 1);

  EXPECT_EQ(messages.front(),
            control::Message{(control::Modules{{"/srv/shop.py", "/srv/cart.py"}})});
  worker->report_modules({"/srv/late.py"});
  EXPECT_TRUE(run_until(context, [&] {
    return messages.back() == control::Message{control::Modules{{"/srv/late.py"}}};
  }));
}

TEST_F(WorkerTest, GivesItsConnectionsToItsSupervisorBeforeItEnds) {
  constexpr std::size_t kClients = 100;  // several messages, and the last is not full
  serve(hello, 1);
  std::vector<RawClient> clients;
  for (std::size_t i = 0; i < kClients; ++i) {
    clients.push_back(connect());
    clients.back().send(kRequest);
  }
  for (auto& client : clients) ASSERT_TRUE(client.sees("hello"));

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

TEST_F(WorkerTest, GoesOnWithConnectionsThatASiblingHasGivenAway) {
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

// One that serves in slot 0, as far as the scoreboard shows.
TEST_F(WorkerTest, PassesARequestOnThatWaitsWhileASiblingHasAFreeThread) {
  std::barrier inside{2}, leave{2};
  test::FunctionHandler slow{[&](const Request&, Responder responder) {
    inside.arrive_and_wait();
    leave.arrive_and_wait();
    responder.respond({}, "slow");
  }};
  serve(slow, 1);
  auto waits = connect();
  ASSERT_TRUE(
      run_until(context, [&] { return scoreboard.slot(2).connections_accepted.load() == 1; }));
  auto first = connect();
  first.send(kRequest);
  inside.arrive_and_wait();
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
  leave.arrive_and_wait();
  EXPECT_TRUE(first.sees("slow"));
}

TEST_F(WorkerTest, AnswersARequestThatCameWithItsConnection) {
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

TEST_F(WorkerTest, GivesIdleConnectionsToASiblingThatHasFarFewer) {
  serve(hello, 1);
  std::vector<RawClient> clients;
  for (int i = 0; i < 10; ++i) {
    clients.push_back(connect());
    clients.back().send(kRequest);
  }
  for (auto& client : clients) ASSERT_TRUE(client.sees("hello"));

  pretend_a_sibling(scoreboard, 1);

  EXPECT_TRUE(run_until(context, [&] { return given_away.size() == 5; }));
  const auto& last = std::get<control::Connections>(messages.back());
  EXPECT_EQ(last.to, std::vector<unsigned>{0});
  EXPECT_EQ(last.states.back(), (control::ConnectionState{.requests = 1}));
  EXPECT_EQ(scoreboard.slot(2).connections_open.load(), 5U);
}

TEST_F(WorkerTest, ClosesConnectionsWhenItIsToldThatNobodyTakesThemAnyMore) {
  std::barrier inside{2}, leave{2};
  test::FunctionHandler slow{[&](const Request&, Responder responder) {
    inside.arrive_and_wait();
    leave.arrive_and_wait();
    responder.respond({}, "whole");
  }};
  serve(slow, 1);
  auto client = connect();
  client.send(kRequest);
  inside.arrive_and_wait();
  send(control::Drain{.deadline = 1s, .hand_over = true});
  ASSERT_TRUE(
      run_until(context, [&] { return scoreboard.slot(2).state.load() == WorkerState::draining; }));

  send(control::Drain{.deadline = 1s});
  // Adopted behind that, and closed: it has been heard.
  auto [ours, theirs] = test::make_tcp_pair();
  std::vector<UniqueFd> sockets;
  sockets.push_back(std::move(theirs));
  channel->send(control::encode(control::Connections{{{.requests = 2}}}), std::move(sockets));
  EXPECT_TRUE((RawClient{context, std::move(ours)}.sees_the_end()));
  leave.arrive_and_wait();

  EXPECT_TRUE(client.sees("whole"));
  EXPECT_NE(client.received().find("Connection: close\r\n"), std::string::npos);
  client.close();
  EXPECT_TRUE(run_until(context, [&] { return finished(); }));
  EXPECT_TRUE(given_away.empty());
}

TEST_F(WorkerTest, AnnouncesTheCloseWhenItIsToldAndGoesOn) {
  serve(hello, 1);
  auto before = connect();

  send(control::AnnounceClose{});
  // Adopted behind that, so it has been heard when this one is answered.
  auto [ours, theirs] = test::make_tcp_pair();
  std::vector<UniqueFd> sockets;
  sockets.push_back(std::move(theirs));
  channel->send(control::encode(control::Connections{{{.requests = 2}}}), std::move(sockets));
  RawClient adopted{context, std::move(ours)};
  adopted.send(kRequest);
  ASSERT_TRUE(adopted.sees("hello"));

  EXPECT_NE(adopted.received().find("Connection: close\r\n"), std::string::npos);
  before.send(kRequest);
  EXPECT_TRUE(before.sees("hello"));
  EXPECT_NE(before.received().find("Connection: close\r\n"), std::string::npos);
  EXPECT_FALSE(finished());
}

TEST_F(WorkerTest, DrainsWhenItsSupervisorDies) {
  serve(hello, 1);

  channel.reset();

  worker->wait();
  EXPECT_TRUE(finished());
  EXPECT_THROW(connect(), std::system_error);
}

TEST_F(WorkerTest, ReportsAFailureToLoadAndEnds) {
  worker->failed({.summary = "ImportError: no",
                  .traceback = std::string(200'000, 'x') + "last line",
                  .files = {"/srv/app.py"}});

  ASSERT_TRUE(run_until(context, [&] { return says<control::Failed>(); }));
  const auto& failure = std::get<control::Failed>(messages.back());
  EXPECT_EQ(failure.summary, "ImportError: no");
  EXPECT_TRUE(failure.traceback.ends_with("last line"));
  EXPECT_LE(failure.traceback.size(), 64U << 10);
  EXPECT_EQ(failure.files, (std::vector<std::string>{"/srv/app.py"}));
  EXPECT_TRUE(finished());
}

TEST_F(WorkerTest, EndsWhenItIsDrainedWhileItGetsReady) {
  worker->drain();
  worker->ready(hello);
  threads.emplace_back([this] { worker->run(); });

  worker->wait();
  EXPECT_TRUE(finished());
}

TEST_F(WorkerTest, EndsWhenItIsDrainedBeforeItIsReady) {
  send(control::Drain{});

  EXPECT_EQ(worker->settings(), "");
  worker->wait();
  worker->ready(hello);
  worker->run();  // returns: there will be nothing to run
}

}  // namespace
}  // namespace spawning
