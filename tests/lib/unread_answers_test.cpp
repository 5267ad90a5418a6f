// SPDX-License-Identifier: MIT
// Clients that ask on and on, and do not read the answers.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <chrono>
#include <cstddef>
#include <string>

#include "support/server_fixture.hpp"

namespace spawning {
namespace {

using test::RawClient, test::run_ready, test::run_until;

constexpr std::size_t kRequests = 40;
constexpr std::size_t kSize = 1'000'000;          // of a body: kernels take a few of them
constexpr std::size_t kPatience = kRequests / 2;  // more than they do

struct UnreadAnswersTest : test::ServerTest {
  std::size_t answered = 0;

  void answer_at_length() {
    answer = [this](const Request& request, Responder responder) {
      ++answered;
      responder.respond({}, std::string(kSize, 'x') + std::string{request.path} + ";");
    };
  }

  void answer_with_a_file() {
    answer = [this](const Request&, Responder responder) {
      ++answered;
      UniqueFd file{::memfd_create("test", MFD_CLOEXEC)};
      ASSERT_EQ(::ftruncate(file.get(), static_cast<off_t>(kSize)), 0);
      responder.start({}, kSize);
      responder.write_file(std::move(file), 0, kSize);
      responder.finish();
    };
  }

  static std::string requests() {
    std::string all;
    for (std::size_t i = 0; i < kRequests; ++i)
      all += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n";
    return all;
  }

  static std::string last_answer() { return "/" + std::to_string(kRequests - 1) + ";"; }

  static std::size_t bodies(const RawClient& client) {
    std::size_t count = 0;
    for (std::size_t at = 0;
         (at = client.received().find("HTTP/1.1 200 OK\r\n", at)) != std::string::npos; ++at)
      ++count;
    return count;
  }
};

TEST_P(UnreadAnswersTest, WaitForTheirClientBeforeTheNextRequestIsAnswered) {
  answer_at_length();
  auto client = connect();

  client.send(requests());
  run_ready(context);

  EXPECT_LT(answered, kPatience);
  EXPECT_TRUE(client.sees(last_answer()));
  EXPECT_EQ(answered, kRequests);
  EXPECT_EQ(bodies(client), kRequests);
}

TEST_P(UnreadAnswersTest, HaveOneFileOpenForThemAtATime) {
  answer_with_a_file();
  auto client = connect();

  client.send(requests());
  run_ready(context);

  EXPECT_LT(answered, kPatience);
  EXPECT_TRUE(run_until(context, [&] {
    client.receive();
    return client.received().size() > kRequests * kSize;
  }));
  EXPECT_EQ(answered, kRequests);
}

TEST_P(UnreadAnswersTest, AllComeToAClientThatHasShutItsEnd) {
  config.timeouts.half_closed = std::chrono::milliseconds{20};
  answer_at_length();
  auto client = connect();
  client.send(requests());
  client.shut_sending();
  const auto later = std::chrono::steady_clock::now() + std::chrono::milliseconds{600};
  ASSERT_TRUE(run_until(context, [&] { return std::chrono::steady_clock::now() >= later; }));

  EXPECT_TRUE(client.sees_the_end());

  EXPECT_EQ(bodies(client), kRequests);
}

TEST_P(UnreadAnswersTest, EndTheConnectionWhenTheyAreNotReadInTime) {
  config.timeouts.write = std::chrono::milliseconds{300};
  answer_at_length();
  auto client = connect();

  client.send(requests());

  EXPECT_TRUE(run_until(context, [&] { return server->connections() == 0; }));
  EXPECT_LT(answered, kPatience);
}

TEST_P(UnreadAnswersTest, AreFollowedByOneThatAnnouncesTheEndWhereTheServerDrains) {
  answer_at_length();
  auto client = connect();
  client.send(requests());
  run_ready(context);
  const std::size_t before = answered;
  bool drained = false;

  server->drain([&] { drained = true; });

  EXPECT_TRUE(client.sees_the_end());
  EXPECT_EQ(bodies(client), before + 1);
  EXPECT_NE(client.received().find("Connection: close\r\n"), std::string::npos);
  client.close();
  EXPECT_TRUE(run_until(context, [&] { return drained; }));
}

INSTANTIATE_TEST_SUITE_P(OverUnixSockets, UnreadAnswersTest,
                         ::testing::Values(&test::make_socketpair));
INSTANTIATE_TEST_SUITE_P(OverTcp, UnreadAnswersTest, ::testing::Values(&test::make_tcp_pair));

}  // namespace
}  // namespace spawning
