// SPDX-License-Identifier: MIT
// Connections whose socket somebody else has, too, and octets at which a read of a socket stops.
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "spawning/server.hpp"
#include "support/descriptor_sending.hpp"
#include "support/server_fixture.hpp"

namespace spawning {
namespace {

using test::RawClient, test::send_with_descriptor, test::ServerTest;

struct HeldSocketTest : ServerTest {
  std::vector<UniqueFd> copies;  // as a process has them that the application has forked

  RawClient connect_held() {
    if (!server) server.emplace(context, handler, log, config, &recorder);
    auto [client, served] = GetParam()();
    copies.emplace_back(::dup(served.get()));
    server->adopt(std::move(served));
    return {context, std::move(client)};
  }

  [[nodiscard]] bool over_tcp() const { return GetParam() == &test::make_tcp_pair; }
};

TEST_P(HeldSocketTest, TheClientIsToldOfTheEnd) {
  config.keep_alive = false;
  auto client = connect_held();

  client.send("GET /last HTTP/1.1\r\nHost: a\r\n\r\n");

  EXPECT_TRUE(client.sees("you asked for /last"));
  EXPECT_TRUE(client.sees_the_end());
}

TEST_P(HeldSocketTest, TheClientIsToldOfTheEndOfAnIdleConnection) {
  config.timeouts.idle = std::chrono::milliseconds{10};
  auto client = connect_held();

  client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");

  EXPECT_TRUE(client.sees("you asked for /1"));
  EXPECT_TRUE(client.sees_the_end());
}

TEST_P(HeldSocketTest, TheClientDoesNotTakeATruncatedResponseForAWholeOne) {
  answer = [](const Request&, Responder responder) {
    responder.start({});
    responder.write("less");
    responder.abort();
  };
  auto client = connect_held();

  client.send("GET / HTTP/1.0\r\n\r\n");

  EXPECT_TRUE(client.sees_the_end());
  EXPECT_EQ(client.reset(), over_tcp());  // there is no reset of a UNIX socket
}

struct TcpSocketTest : ServerTest {};

TEST_P(TcpSocketTest, UrgentOctetsDoNotHideTheRestOfARequest) {
  auto client = connect();
  const std::string request = "GET /urgent HTTP/1.1\r\nHost: a\r\nX-Rest: ";
  client.send(request);
  ASSERT_EQ(::send(client.fd(), "!", 1, MSG_OOB), 1);  // skipped by whoever does not ask for it

  client.send("yes\r\n\r\n");

  EXPECT_TRUE(client.sees("you asked for /urgent"));
}

struct UnixSocketTest : ServerTest {};

TEST_P(UnixSocketTest, ADescriptorDoesNotHideTheRestOfARequest) {
  auto client = connect();
  send_with_descriptor(client.fd(), "GET /with HTTP/1.1\r\n", STDERR_FILENO);

  client.send("Host: a\r\n\r\n");

  EXPECT_TRUE(client.sees("you asked for /with"));
}

INSTANTIATE_TEST_SUITE_P(Sockets, HeldSocketTest,
                         ::testing::Values(&test::make_socketpair, &test::make_tcp_pair));
INSTANTIATE_TEST_SUITE_P(Sockets, TcpSocketTest, ::testing::Values(&test::make_tcp_pair));
INSTANTIATE_TEST_SUITE_P(Sockets, UnixSocketTest, ::testing::Values(&test::make_socketpair));

}  // namespace
}  // namespace spawning
