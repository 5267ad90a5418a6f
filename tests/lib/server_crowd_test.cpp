// SPDX-License-Identifier: MIT
// What becomes of requests of which very many wait for their answers at a time.
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "spawning/server.hpp"
#include "support/server_fixture.hpp"

namespace spawning {
namespace {

using test::RawClient, test::run_until, test::ServerTest;

// More than the server keeps buffers for, so that it copies the heads of the last ones.
constexpr std::size_t kMany = 300;

struct ServerCrowdTest : ServerTest {
  struct Waiting {
    Request request;
    Responder responder;
  };
  std::vector<Waiting> waiting;
  std::vector<RawClient> clients;

  void SetUp() override {
    answer = [this](const Request& request, Responder responder) {
      waiting.push_back({request, std::move(responder)});
    };
  }

  void fill(const std::string& fields = "") {
    for (std::size_t i = 0; i < kMany; ++i) {
      clients.push_back(connect());
      clients.back().send("GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\nX-Number: " +
                          std::to_string(i) + "\r\n" + fields + "\r\n");
      ASSERT_TRUE(run_until(context, [&] { return waiting.size() == i + 1; }));
    }
  }

  static void tell(Waiting each) {
    const std::string seen = std::string{each.request.path} + " " +
                             std::string{each.request.headers.front().value} + " " +
                             std::string{each.request.headers.back().value};
    each.responder.respond({}, seen);
  }
};

TEST_P(ServerCrowdTest, ShowsTheHandlerItsRequestAllTheTime) {
  fill();

  for (Waiting& each : waiting) tell(std::move(each));

  for (std::size_t i = 0; i < kMany; ++i)
    EXPECT_TRUE(clients[i].sees("/" + std::to_string(i) + " a " + std::to_string(i)));
}

TEST_P(ServerCrowdTest, AnswersWhatComesBehindOfWhateverLength) {
  fill();
  const std::string filler(6000, 'f');
  for (const std::size_t i : {std::size_t{0}, kMany - 1}) {
    clients[i].send(
        "GET /short HTTP/1.1\r\nHost: a\r\n\r\nGET /long HTTP/1.1\r\nHost: a\r\nX-Filler: " +
        filler + "\r\n\r\n");
  }
  answer = [](const Request& request, Responder responder) {
    tell({request, std::move(responder)});
  };

  for (Waiting& each : waiting) tell(std::move(each));

  for (const std::size_t i : {std::size_t{0}, kMany - 1})
    EXPECT_TRUE(clients[i].sees("/long a " + filler));
}

TEST_P(ServerCrowdTest, NoticesThatAClientHasGone) {
  config.timeouts.half_closed = std::chrono::milliseconds{10};
  fill();

  clients.back().close();

  EXPECT_TRUE(run_until(context, [&] { return waiting.back().responder.client_gone(); }));
  EXPECT_FALSE(waiting.front().responder.client_gone());
}

INSTANTIATE_TEST_SUITE_P(Sockets, ServerCrowdTest,
                         ::testing::Values(&test::make_socketpair, &test::make_tcp_pair));

}  // namespace
}  // namespace spawning
