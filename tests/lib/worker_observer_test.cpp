// SPDX-License-Identifier: MIT
#include "worker/worker_observer.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <string>

#include "spawning/address.hpp"
#include "spawning/unique_fd.hpp"

namespace spawning {
namespace {

using namespace std::chrono_literals;

std::array<int, 2> make_pipe() {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
  return ends;
}

struct WorkerObserverTest : ::testing::Test {
  std::string logged() const {
    std::string text(4096, '\0');
    const ssize_t count = ::read(reading.get(), text.data(), text.size());
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return text;
  }

  std::array<int, 2> ends = make_pipe();
  UniqueFd reading{ends[0]}, writing{ends[1]};
  Log log{writing.get(), "worker"};
  ScoreboardSlot slot;
  int told = 0;
  WorkerObserver observer{slot, log, [this](const OverdueRequest&) { ++told; }};
};

TEST_F(WorkerObserverTest, WritesALineAboutAnOverdueRequestAndPassesItOn) {
  const Address client{Address::Family::ipv4, 4711, "192.0.2.1"};

  observer.request_overdue({.method = "GET",
                            .target = "/slow?n=1",
                            .client = &client,
                            .running = 30'040ms,
                            .thread = ::pthread_self()});

  std::array<char, 32> thread{};
  std::snprintf(thread.data(), thread.size(), "0x%016lx",
                static_cast<unsigned long>(::pthread_self()));
  const std::string expected =
      "[warning] worker: a request runs for 30.0 s already: GET /slow?n=1 "
      "from 192.0.2.1:4711, on thread " +
      std::string{thread.data()} + "\n";
  const std::string line = logged();
  EXPECT_TRUE(line.ends_with(expected)) << line;
  EXPECT_EQ(told, 1);
}

TEST_F(WorkerObserverTest, PublishesWhatItSees) {
  observer.exchange_ended({.method = "GET", .target = "/", .status = 200, .body_octets = 5});

  EXPECT_EQ(slot.exchanges[0][2].load(), 1U);
  EXPECT_EQ(slot.body_octets_sent.load(), 5U);
  EXPECT_EQ(told, 0);
}

}  // namespace
}  // namespace spawning
