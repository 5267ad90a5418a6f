// SPDX-License-Identifier: MIT
#include "net/kept_answers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "support/server_fixture.hpp"

namespace spawning {
namespace {

using test::RawClient, test::run_until;

std::string get(std::string_view path, std::string_view fields = "") {
  return "GET " + std::string{path} + " HTTP/1.1\r\nHost: a\r\n" + std::string{fields} + "\r\n";
}

// Requests that come together, as the client sees their answers.
struct KeptAnswersTest : test::ServerTest {
  std::vector<Responder> kept;

  void keep() {
    answer = [this](const Request&, Responder responder) { kept.push_back(std::move(responder)); };
  }

  // Until so many requests wait for their answers here.
  [[nodiscard]] bool waits_for(std::size_t count) {
    return run_until(context, [this, count] { return kept.size() == count; });
  }

  // What the client has got without anything that the I/O thread has still to do.
  static std::string_view received_now(RawClient& client) {
    client.receive();
    return client.received();
  }

  // The kernel may take a moment until it has delivered what was sent.
  static bool has(RawClient& client, std::string_view text) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (received_now(client).find(text) == std::string_view::npos) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }
};

TEST_P(KeptAnswersTest, SendsTheAnswersToRequestsThatCameTogetherWithTheLast) {
  std::vector<std::string> before;
  std::optional<RawClient> client;
  answer = [&](const Request& request, Responder responder) {
    before.emplace_back(received_now(*client));
    responder.respond({}, request.path);
  };
  client.emplace(connect());

  client->send(get("/1") + get("/2") + get("/3"));

  EXPECT_TRUE(client->sees("\r\n\r\n/3"));
  EXPECT_EQ(before, (std::vector<std::string>{"", "", ""}));
  EXPECT_LT(client->received().find("\r\n\r\n/1"), client->received().find("\r\n\r\n/2"));
  ASSERT_EQ(recorder.exchanges.size(), 3U);
  EXPECT_TRUE(std::ranges::all_of(recorder.exchanges, [](const auto& each) {
    return each.outcome == Outcome::complete && each.body_octets == 2;
  }));
}

TEST_P(KeptAnswersTest, LetsNoAnswerWaitForOneThatTakesItsTime) {
  keep();
  auto client = connect();
  client.send(get("/quick") + get("/slow"));
  ASSERT_TRUE(waits_for(1));

  kept[0].respond({}, "first");

  EXPECT_EQ(received_now(client), "");
  EXPECT_TRUE(client.sees("first"));
  ASSERT_TRUE(waits_for(2));
  kept[1].respond({}, "second");
  EXPECT_TRUE(has(client, "second"));
}

TEST_P(KeptAnswersTest, LetsNoAnswerWaitForManyThatFollowQuickly) {
  constexpr std::size_t kRequests = 60;
  keep();
  auto client = connect();
  std::string requests;
  for (std::size_t i = 0; i < kRequests; ++i) requests += get("/");
  client.send(requests);

  for (std::size_t answered = 0; answered < kRequests - 1; ++answered) {
    ASSERT_TRUE(waits_for(answered + 1));
    kept[answered].respond({}, "quick");
    const auto next = std::chrono::steady_clock::now() + std::chrono::microseconds{200};
    while (std::chrono::steady_clock::now() < next) context.poll();
  }

  EXPECT_TRUE(has(client, "quick"));  // although the last is not answered
}

TEST_P(KeptAnswersTest, SaysAtOnceThatSomethingHasBeenChanged) {
  keep();
  auto client = connect();
  client.send("POST /pay HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n" + get("/crash"));
  ASSERT_TRUE(waits_for(1));

  kept[0].respond({}, "paid");

  EXPECT_TRUE(has(client, "paid"));
}

TEST_P(KeptAnswersTest, SendsAtOnceWhereNoWholeRequestFollows) {
  keep();
  auto client = connect();
  client.send(get("/1") + "GET /2 HTTP/1.1\r\nHost: a\r\n");
  ASSERT_TRUE(waits_for(1));

  kept[0].respond({}, "first");

  EXPECT_TRUE(has(client, "first"));
}

TEST_P(KeptAnswersTest, SendsAtOnceWhatEndsTheConnection) {
  keep();
  auto client = connect();
  client.send(get("/1", "Connection: close\r\n") + get("/2"));
  ASSERT_TRUE(waits_for(1));

  kept[0].respond({}, "last");

  EXPECT_TRUE(has(client, "last"));
  EXPECT_TRUE(client.sees_the_end());
}

TEST_P(KeptAnswersTest, SendsAtOnceWhatIsLargeOrStreamed) {
  keep();
  auto client = connect();
  client.send(get("/large") + get("/streamed") + get("/last"));
  ASSERT_TRUE(waits_for(1));
  const std::string large(20'000, 'l');

  kept[0].respond({}, large);
  EXPECT_TRUE(has(client, large));
  ASSERT_TRUE(waits_for(2));
  kept[1].start({});
  kept[1].write("streamed");
  EXPECT_TRUE(has(client, "streamed"));
  kept[1].finish();

  ASSERT_TRUE(waits_for(3));
  kept[2].respond({}, "last");
  EXPECT_TRUE(client.sees("last"));
}

TEST_P(KeptAnswersTest, SendsWhatIsKeptBeforeAnInterimResponse) {
  std::optional<RawClient> client;
  answer = [&](const Request& request, Responder responder) {
    if (request.path == "/1") return responder.respond({}, "first");
    responder.inform({.status = 103, .reason = {}, .headers = {}});
    EXPECT_TRUE(has(*client, "first"));
    EXPECT_TRUE(has(*client, "HTTP/1.1 103 "));
    responder.respond({}, "second");
  };
  client.emplace(connect());

  client->send(get("/1") + get("/2"));

  EXPECT_TRUE(client->sees("second"));
}

TEST_P(KeptAnswersTest, LosesNothingToAResponseThatIsBrokenOff) {
  answer = [&](const Request& request, Responder responder) {
    if (request.path == "/1") return responder.respond({}, "first");
    responder.start({});  // of HTTP/1.0, ended by the end of the connection
    responder.abort();
  };
  auto client = connect();

  client.send(get("/1") + "GET /2 HTTP/1.0\r\n\r\n");

  EXPECT_TRUE(client.sees_the_end());
  EXPECT_TRUE(has(client, "first"));
}

TEST_P(KeptAnswersTest, AnswersTheMalformedRequestBehindWhatIsKept) {
  auto client = connect();

  client.send(get("/good") + "BAD\r\n\r\n");

  EXPECT_TRUE(client.sees_the_end());
  EXPECT_LT(client.received().find("you asked for /good"),
            client.received().find("HTTP/1.1 400 Bad Request"));
}

TEST_P(KeptAnswersTest, AnswersAllToAClientThatShutsItsEndBehindThem) {
  std::vector<std::thread> threads;
  answer = [&](const Request& request, Responder responder) {
    threads.emplace_back([path = std::string{request.path}, r = std::move(responder)]() mutable {
      r.respond({}, path);
    });
  };
  config.timeouts.half_closed = std::chrono::seconds{30};
  auto client = connect();
  std::string requests;
  for (int i = 0; i < 100; ++i) requests += get("/" + std::to_string(i));

  client.send(requests);
  client.shut_sending();

  EXPECT_TRUE(client.sees_the_end());
  EXPECT_FALSE(client.reset());
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(has(client, "\r\n\r\n/" + std::to_string(i))) << i;
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(recorder.exchanges.size(), 100U);
}

TEST_P(KeptAnswersTest, PassesNoRequestOnBeforeWhatIsKeptIsSent) {
  std::optional<bool> could;
  answer = [&](const Request& request, Responder responder) {
    if (request.path == "/1") return responder.respond({}, "first");
    could = responder.can_pass_on();
    kept.push_back(std::move(responder));
  };
  auto client = connect();

  client.send(get("/1") + get("/2"));

  ASSERT_TRUE(waits_for(1));
  EXPECT_EQ(could, false);
  EXPECT_TRUE(client.sees("first"));
  EXPECT_TRUE(kept[0].can_pass_on());
}

TEST_P(KeptAnswersTest, SendsWhatIsKeptWhenTheServerEnds) {
  keep();
  auto client = connect();
  client.send(get("/1") + get("/2"));
  ASSERT_TRUE(waits_for(1));
  kept[0].respond({}, "first");

  server.reset();

  EXPECT_TRUE(has(client, "first"));
}

INSTANTIATE_TEST_SUITE_P(OverUnixSockets, KeptAnswersTest,
                         ::testing::Values(&test::make_socketpair));
INSTANTIATE_TEST_SUITE_P(OverTcp, KeptAnswersTest, ::testing::Values(&test::make_tcp_pair));

}  // namespace
}  // namespace spawning
