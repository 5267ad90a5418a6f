// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// A worker in this process, for tests of what its supervisor and its clients see.

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <optional>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "control/message.hpp"
#include "spawning/control_channel.hpp"
#include "spawning/scoreboard.hpp"
#include "spawning/worker.hpp"
#include "support/function_handler.hpp"
#include "support/loopback.hpp"
#include "support/raw_client.hpp"

namespace spawning::test {

inline constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// The supervisor's side of one worker, in the same process: generation 7, in slot 2 of four.
struct WorkerTest : ::testing::Test {
  IoContext context{1};
  Scoreboard scoreboard = Scoreboard::create(4);
  std::optional<ControlChannel> channel;
  std::vector<control::Message> messages;
  std::vector<UniqueFd> given_away;
  /// What the worker asks behind connections that it gives away, and what it is answered.
  const control::Message all_dealt_out{control::Connections{}};
  bool keeps_up = true;  // answers that at once
  std::uint16_t port = 0;
  std::optional<Worker> worker;
  std::vector<std::thread> threads;
  FunctionHandler hello{
      [](const Request&, Responder responder) { responder.respond({}, "hello"); }};

  void SetUp() override {
    auto [ours, theirs] = ControlChannel::make_pair();
    channel.emplace(context, std::move(ours),
                    ControlChannel::Callbacks{
                        .message =
                            [this](std::string_view line, std::vector<UniqueFd> descriptors) {
                              hear(line, std::move(descriptors));
                            },
                        .closed = [] {}});
    Seat seat{.slot = 2,
              .generation = 7,
              .log = {},
              .control = std::move(theirs),
              .scoreboard = {},
              .listeners = {}};
    seat.scoreboard.reset(::dup(scoreboard.fd()));
    auto [listening, chosen] = listen_on_loopback();
    port = chosen;
    seat.listeners.push_back(std::move(listening));
    worker.emplace(std::move(seat));
  }

  void TearDown() override {
    if (channel && worker) channel->send(control::encode(control::Drain{}));
    EXPECT_TRUE(run_until(context, [&] { return finished(); }));
    join();
    worker.reset();
  }

  void hear(std::string_view line, std::vector<UniqueFd> descriptors) {
    auto message = control::decode(line);
    if (!message) return;
    if (keeps_up && *message == all_dealt_out) return send(all_dealt_out);
    messages.push_back(*std::move(message));
    for (UniqueFd& fd : descriptors) given_away.push_back(std::move(fd));
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

  /// Before what its threads have used goes.
  void end() {
    send(control::Drain{});
    EXPECT_TRUE(run_until(context, [&] { return finished(); }));
    join();
  }
  void join() {
    for (auto& thread : threads) thread.join();
    threads.clear();
  }

  template <typename Kind>
  [[nodiscard]] bool says() const {
    return !messages.empty() && std::holds_alternative<Kind>(messages.back());
  }

  [[nodiscard]] bool finished() const {
    pollfd event{worker->finished_fd(), POLLIN, 0};
    return ::poll(&event, 1, 0) == 1;
  }

  RawClient connect() { return {context, connect_to(port)}; }
};

}  // namespace spawning::test
