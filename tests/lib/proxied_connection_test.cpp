// SPDX-License-Identifier: MIT
// What proxies say, as it reaches the Handler.
#include <gtest/gtest.h>

#include <string>

#include "support/server_fixture.hpp"

namespace spawning {
namespace {

using test::run_ready, test::run_until;

struct ProxiedConnectionTest : test::ServerTest {
  ProxiedConnectionTest() {
    config.forwarded_allow = TrustedProxies::parse("127.0.0.1,unix");
    answer = [](const Request& request, Responder responder) {
      std::string text = request.client->to_string() + ' ' + std::string{request.scheme} + ' ' +
                         std::string{request.host} + ' ' + request.connection->peer.to_string() +
                         ' ' + request.connection->local.to_string();
      for (const Header& header : request.headers) text += ' ' + std::string{header.name};
      responder.respond({}, text + '|');
    };
  }

  static constexpr std::string_view kForwarded =
      "GET / HTTP/1.1\r\nHost: inside\r\nX-Forwarded-For: 203.0.113.9\r\n"
      "X-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example\r\n\r\n";
  static constexpr std::string_view kPlain = "GET / HTTP/1.1\r\nHost: inside\r\n\r\n";
  static constexpr std::string_view kProxy = "PROXY TCP4 203.0.113.9 192.0.2.1 4711 443\r\n";

  // Sends `octets`, and again one by one on a connection of its own: both see `answer_part`.
  void expect(std::string_view octets, const std::string& answer_part) {
    auto client = connect();
    client.send(std::string{octets});
    EXPECT_TRUE(client.sees(answer_part)) << client.received();
    auto slow = connect();
    for (const char octet : octets) {
      slow.send(std::string{octet});
      run_ready(context);
    }
    EXPECT_TRUE(slow.sees(answer_part)) << slow.received();
  }
};

TEST_P(ProxiedConnectionTest, TellsTheHandlerWhatATrustedProxySays) {
  expect(kForwarded, "203.0.113.9:0 https shop.example ");
}

TEST_P(ProxiedConnectionTest, TellsTheHandlerNothingOfWhatAStrangerSays) {
  config.forwarded_allow = TrustedProxies::parse("203.0.113.1");
  answer = [](const Request& request, Responder responder) {
    const bool own = request.client == &request.connection->peer;
    responder.respond({}, (own ? "peer " : "other ") + std::string{request.scheme} + ' ' +
                              std::string{request.host} + ' ' +
                              std::to_string(request.headers.size()) + '|');
  };

  expect(kForwarded, "peer http inside 1|");
}

// RFC 9110 §7.4
TEST_P(ProxiedConnectionTest, TakesAnHttpsTargetFromATrustedProxyOnly) {
  constexpr std::string_view kHttps =
      "GET https://shop.example/ HTTP/1.1\r\nHost: shop.example\r\n\r\n";
  expect(kHttps, " https shop.example ");

  server.reset();
  config.forwarded_allow = TrustedProxies::parse("203.0.113.1");

  expect(kHttps, "HTTP/1.1 421 Misdirected Request\r\n");
  EXPECT_EQ(recorder.exchanges.back().refusal, RefusalReason::misdirected);
}

TEST_P(ProxiedConnectionTest, HearsEachRequestOfAConnectionForItself) {
  auto client = connect();
  client.send(std::string{kForwarded} + std::string{kPlain});

  EXPECT_TRUE(client.sees("203.0.113.9:0 https shop.example "));
  EXPECT_TRUE(client.sees(" http inside "));
}

TEST_P(ProxiedConnectionTest, HasTheEndsThatAPROXYHeaderNames) {
  config.proxy_protocol = true;

  expect(std::string{kProxy} + std::string{kPlain},
         "203.0.113.9:4711 http inside 203.0.113.9:4711 192.0.2.1:443 Host|");
}

TEST_P(ProxiedConnectionTest, KeepsTheEndsForTheRequestsThatFollow) {
  config.proxy_protocol = true;
  auto client = connect();
  client.send(std::string{kProxy} + std::string{kPlain});
  ASSERT_TRUE(client.sees("203.0.113.9:4711 http"));

  client.send("GET /next HTTP/1.1\r\nHost: next\r\n\r\n");

  EXPECT_TRUE(client.sees("203.0.113.9:4711 http next"));
}

TEST_P(ProxiedConnectionTest, DoesNotTrustTheSourceBecauseItTrustsTheProxy) {
  config.proxy_protocol = true;

  expect(std::string{kProxy} + std::string{kForwarded}, "203.0.113.9:4711 http inside ");
  expect("PROXY TCP4 127.0.0.1 192.0.2.1 4711 443\r\n" + std::string{kForwarded},
         "203.0.113.9:0 https shop.example 127.0.0.1:4711 ");
}

TEST_P(ProxiedConnectionTest, HasItsOwnEndsWhereAPROXYHeaderNamesNone) {
  config.proxy_protocol = true;
  answer = [](const Request& request, Responder responder) {
    responder.respond({}, request.connection->peer.host + '|');
  };
  const std::string own = GetParam() == &test::make_tcp_pair ? "127.0.0.1|" : "\r\n\r\n|";

  expect("PROXY UNKNOWN\r\n" + std::string{kPlain}, own);
}

TEST_P(ProxiedConnectionTest, RefusesAConnectionWithoutThePROXYHeader) {
  config.proxy_protocol = true;

  auto client = connect();
  client.send(std::string{kPlain});

  EXPECT_TRUE(client.sees("HTTP/1.1 400 "));
  EXPECT_TRUE(client.sees("Connection: close"));
  client.shut_sending();
  ASSERT_TRUE(run_until(context, [&] { return recorder.closed == 1; }));
  ASSERT_EQ(recorder.exchanges.size(), 1U);
  EXPECT_EQ(recorder.exchanges[0].refusal, RefusalReason::proxy_header);
}

TEST_P(ProxiedConnectionTest, RefusesAPROXYHeaderFromAStranger) {
  config.proxy_protocol = true;
  config.forwarded_allow = TrustedProxies::parse("203.0.113.1");

  expect(std::string{kProxy} + std::string{kPlain}, "HTTP/1.1 400 ");
}

TEST_P(ProxiedConnectionTest, TakesAPROXYHeaderForNoRequestWhereNoneIsExpected) {
  expect(std::string{kProxy} + std::string{kPlain}, "HTTP/1.1 400 ");
}

TEST_P(ProxiedConnectionTest, ClosesQuietlyWhenTheProxyOnlyLooksWhetherItIsThere) {
  config.proxy_protocol = true;
  auto client = connect();
  client.send(std::string{kProxy});
  run_ready(context);

  client.shut_sending();

  EXPECT_TRUE(run_until(context, [&] { return recorder.closed == 1; }));
  EXPECT_TRUE(recorder.exchanges.empty());
  EXPECT_EQ(client.received(), "");
}

TEST_P(ProxiedConnectionTest, DoesNotWaitForAPROXYHeaderForEver) {
  config.proxy_protocol = true;
  config.timeouts.header = std::chrono::milliseconds{20};
  auto client = connect();
  client.send("PROXY TCP4 203.");

  EXPECT_TRUE(run_until(context, [&] { return recorder.closed == 1; }));
}

INSTANTIATE_TEST_SUITE_P(OverASocketpair, ProxiedConnectionTest,
                         ::testing::Values(&test::make_socketpair));
INSTANTIATE_TEST_SUITE_P(OverTcp, ProxiedConnectionTest, ::testing::Values(&test::make_tcp_pair));

}  // namespace
}  // namespace spawning
