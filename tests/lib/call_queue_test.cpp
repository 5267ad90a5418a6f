// SPDX-License-Identifier: MIT
#include "spawning/call_queue.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "support/function_handler.hpp"
#include "support/pool_fixture.hpp"

namespace spawning {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

// Calls that are expected to take 1 ms if they are brief, else 10 ms.
class Waiting final : public CallQueue {
 public:
  Waiting(Handler& inner, const Log& log) : CallQueue{inner, log} {}

  void wait(Request request, bool brief) {
    push({std::move(request), test::PoolTest::responder(), brief ? 1ms : 10ms, brief});
  }

  std::string next() {
    const Call call = pop();
    note_end();
    return std::string{call.request.path};
  }

  void handle(Request request, Responder responder) override {
    push({std::move(request), std::move(responder)});
  }
  void stop() override {}
  [[nodiscard]] bool saturated() const override { return true; }
};

struct CallQueueTest : test::PoolTest {
  test::FunctionHandler inner{[](const Request&, Responder) {}};
  Log errors = log();
  Waiting queue{inner, errors};
  steady_clock::time_point now{1h};

  // "b" is a brief call, "u" a usual one; a second between two.
  void arrive(std::string_view calls) {
    for (const char each : calls) {
      Request called = request(each == 'b' ? "b" : "u");
      called.received = now += 1s;
      queue.wait(called, each == 'b');
    }
  }

  std::string run(std::size_t most) {
    std::string order;
    while (queue.queued() > 0 && order.size() < most) order += queue.next();
    return order;
  }
};

TEST_F(CallQueueTest, BriefCallsOvertakeForAQuarterOfTheTime) {
  arrive("uuuuubbbbbbbbbbbb");

  EXPECT_EQ(run(17), "bubbbubbbubbbbubu");  // u takes ten times as long
}

TEST_F(CallQueueTest, NoBriefCallIsOvertakenByOneThatCameLater) {
  arrive("bbbbbbbbbbbbbbbbbbbb");
  EXPECT_EQ(run(10), "bbbbbbbbbb");  // however much time they have had

  arrive("uu");

  EXPECT_EQ(run(12), "bbbbbbbbbbuu");
}

TEST_F(CallQueueTest, TakesBackBriefOnesLast) {
  arrive("ubub");
  std::string asked;

  const auto taken = queue.take_back(3, [&](const Request& each, const Responder&) {
    asked += each.path;
    return true;
  });

  EXPECT_EQ(taken.size(), 3U);
  EXPECT_EQ(asked, "uub");
  EXPECT_EQ(queue.queued(), 1U);
  EXPECT_EQ(run(1), "b");
}

TEST_F(CallQueueTest, KnowsHowLongTheOldestHasWaited) {
  EXPECT_EQ(queue.waiting_since(), std::nullopt);
  arrive("ubu");
  EXPECT_EQ(queue.waiting_since(), now - 2s);

  EXPECT_EQ(run(1), "b");
  EXPECT_EQ(queue.waiting_since(), now - 2s);
  EXPECT_EQ(run(2), "uu");
  arrive("bu");
  EXPECT_EQ(queue.waiting_since(), now - 1s);
}

}  // namespace
}  // namespace spawning
