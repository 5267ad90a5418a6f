// SPDX-License-Identifier: MIT
#include "spawning/responder.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

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

TEST_F(ResponderTest, TakesAHeadAsAStatusAndAListOfFields) {
  const std::string where = "/elsewhere";
  Responder responder{exchange};

  responder.inform(103, {{"Link", "</style.css>"}});
  responder.respond(303, {{"Location", where}, {"Content-Type", "text/plain"}}, "see there");

  EXPECT_EQ(exchange->informed, std::vector<unsigned>{103});
  EXPECT_EQ(exchange->status, 303U);
  const std::vector<std::pair<std::string, std::string>> fields{{"Location", where},
                                                                {"Content-Type", "text/plain"}};
  EXPECT_EQ(exchange->headers, fields);
  EXPECT_EQ(exchange->body, "see there");
  EXPECT_EQ(exchange->length, 9U);
}

TEST_F(ResponderTest, StartsWithAStatusAndAListOfFields) {
  Responder responder{exchange};

  responder.start(202, {{"X-Kind", "slow"}}, 3);
  responder.write("abc");
  responder.finish();

  EXPECT_EQ(exchange->status, 202U);
  EXPECT_EQ(exchange->headers.size(), 1U);
  EXPECT_EQ(exchange->length, 3U);
}

TEST_F(ResponderTest, SaysSoIfItIsToAnswerTwice) {
  Responder responder{exchange};
  responder.respond(200, {}, "once");

  EXPECT_THROW(responder.respond(200, {}, "twice"), std::logic_error);
  EXPECT_EQ(exchange->body, "once");
  EXPECT_EQ(exchange->finished, 1);
}

TEST_F(ResponderTest, HoldsNobodyUpOnceItIsEmpty) {
  Responder responder{exchange};
  responder.finish();
  int resumed = 0, notified = 0;

  responder.when_writable([&] { ++resumed; });
  responder.when_gone([&] { ++notified; });

  EXPECT_EQ(resumed, 1);
  EXPECT_EQ(notified, 0);
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
