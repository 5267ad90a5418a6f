// SPDX-License-Identifier: MIT
#include "spawning/worker.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <semaphore>
#include <string>
#include <variant>
#include <vector>

#include "support/gated_handler.hpp"
#include "support/worker_fixture.hpp"

namespace spawning {
namespace {

using namespace std::chrono_literals;
using test::kRequest, test::run_until, test::WorkerTest;

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
  EXPECT_TRUE(run_until(context, [&] {
    return slot.exchanges[0][2].load() == 1 && slot.body_octets_sent.load() == 5;
  }));
  EXPECT_EQ(slot.connections_open.load(), 1U);
}

TEST_F(WorkerTest, ListsWhatItsThreadsWorkOn) {
  test::GatedHandler slow{"done", 2};
  serve(slow, 2);
  auto first = connect(), second = connect();
  first.send("GET /first?n=1 HTTP/1.1\r\nHost: a\r\n\r\n");
  second.send("DELETE /second HTTP/1.1\r\nHost: a\r\n\r\n");
  slow.wait_until_inside();

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

  slow.let_go();
  EXPECT_TRUE(first.sees("done"));
  EXPECT_TRUE(second.sees("done"));
  EXPECT_TRUE(run_until(context, [&] { return scoreboard.running(2).list().empty(); }));
  first.close();
  second.close();
  end();
}

TEST_F(WorkerTest, FinishesARunningRequestWhenDrained) {
  test::GatedHandler slow{"whole"};
  serve(slow, 1);
  auto client = connect();
  client.send(kRequest);
  slow.wait_until_inside();

  send(control::Drain{});
  ASSERT_TRUE(
      run_until(context, [&] { return scoreboard.slot(2).state.load() == WorkerState::draining; }));
  EXPECT_FALSE(finished());
  slow.let_go();

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
  config.request_timeouts.queue = 1h;  // else 20 ms are for waiting, too
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
  channel->receive_now();
  EXPECT_EQ(messages.size(), 2U);  // the first says that it is ready
  EXPECT_EQ(messages.back(), control::Message{control::Overdue{20ms}});
  join();  // before what they have used goes
}

TEST_F(WorkerTest, SaysItsLastWordsWhileARequestKeepsItsThread) {
  test::GatedHandler slow{"late"};
  std::atomic<int> spoken = 0;
  worker->on_last_words([&] { ++spoken; });
  serve(slow, 1);
  auto client = connect();
  client.send(kRequest);
  slow.wait_until_inside();

  send(control::Explain{});

  EXPECT_TRUE(run_until(context, [&] { return says<control::Explained>(); }));
  EXPECT_EQ(spoken, 1);
  slow.let_go();
  EXPECT_TRUE(client.sees("late"));
  client.close();
  end();
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

TEST_F(WorkerTest, ServesUntilItsSupervisorKnowsThatItLeaves) {
  serve(hello, 1);

  worker->drain();
  worker->drain();
  ASSERT_TRUE(run_until(context, [&] { return says<control::Leaving>(); }));
  auto client = connect();
  client.send(kRequest);
  EXPECT_TRUE(client.sees("hello"));
  EXPECT_EQ(client.received().find("Connection: close\r\n"), std::string::npos);

  send(control::Drain{.deadline = 1s});
  EXPECT_TRUE(client.sees_the_end());
  EXPECT_TRUE(run_until(context, [&] { return finished(); }));
  EXPECT_EQ(std::ranges::count(messages, control::Message{control::Leaving{}}), 1);
}

TEST_F(WorkerTest, DoesNotAskToLeaveWhenItIsToldTo) {
  test::GatedHandler slow{"whole"};
  serve(slow, 1);
  auto client = connect();
  client.send(kRequest);
  slow.wait_until_inside();
  send(control::Drain{.deadline = 1s});
  ASSERT_TRUE(
      run_until(context, [&] { return scoreboard.slot(2).state.load() == WorkerState::draining; }));

  worker->drain();
  slow.let_go();

  EXPECT_TRUE(client.sees("whole"));
  client.close();
  EXPECT_TRUE(run_until(context, [&] { return finished(); }));
  EXPECT_FALSE(says<control::Leaving>());
}

TEST_F(WorkerTest, LeavesWithoutASupervisorThatDoesNotAnswer) {
  serve(hello, 1);

  worker->drain();

  EXPECT_TRUE(run_until(context, [&] { return finished(); }));
}

TEST_F(WorkerTest, EndsWhenItsSupervisorDiesWhileItWaitsForLeave) {
  serve(hello, 1);
  worker->drain();
  ASSERT_TRUE(run_until(context, [&] { return says<control::Leaving>(); }));

  channel.reset();

  EXPECT_TRUE(run_until(context, [&] { return finished(); }));
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
