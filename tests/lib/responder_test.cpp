// SPDX-License-Identifier: MIT
#include "spawning/responder.hpp"

#include <gtest/gtest.h>

#include "support/recording_exchange.hpp"

namespace spawning {
namespace {

struct ResponderTest : ::testing::Test {
  std::shared_ptr<test::RecordingExchange> exchange = std::make_shared<test::RecordingExchange>();
};

TEST_F(ResponderTest, RespondsWithHeadBodyAndTheBodysLength) {
  Responder responder{exchange};

  responder.respond({.status = 201, .reason = {}, .headers = {}}, "made");

  EXPECT_EQ(exchange->status, 201U);
  EXPECT_EQ(exchange->length, 4U);
  EXPECT_EQ(exchange->body, "made");
  EXPECT_EQ(exchange->finished, 1);
  EXPECT_FALSE(responder);
}

TEST_F(ResponderTest, Answers500WhenDestroyedUnused) {
  { const Responder forgotten{exchange}; }

  EXPECT_EQ(exchange->status, 500U);
  EXPECT_EQ(exchange->finished, 1);
  EXPECT_EQ(exchange->aborted, 0);
}

TEST_F(ResponderTest, AbortsWhenDestroyedHalfWay) {
  {
    Responder broken{exchange};
    broken.start({});
    broken.write("half");
  }

  EXPECT_EQ(exchange->status, 200U);
  EXPECT_EQ(exchange->finished, 0);
  EXPECT_EQ(exchange->aborted, 1);
}

TEST_F(ResponderTest, PassesTheDutyOnWhenMoved) {
  Responder first{exchange};
  Responder second{std::move(first)};

  second.respond({}, "once");

  EXPECT_EQ(exchange->finished, 1);
  EXPECT_EQ(exchange->body, "once");
}

TEST_F(ResponderTest, FulfilsItsOwnDutyBeforeItTakesAnother) {
  auto other = std::make_shared<test::RecordingExchange>();
  Responder responder{exchange};

  responder = Responder{other};
  responder.respond({}, "");

  EXPECT_EQ(exchange->status, 500U);
  EXPECT_EQ(other->status, 200U);
}

TEST_F(ResponderTest, ReportsGoneOnceItIsEmpty) {
  Responder responder{exchange};
  responder.abort();

  EXPECT_EQ(responder.write("late"), WriteStatus::gone);
  EXPECT_TRUE(responder.client_gone());
  EXPECT_FALSE(responder.wait_writable());
  EXPECT_EQ(exchange->aborted, 1);
}

}  // namespace
}  // namespace spawning
