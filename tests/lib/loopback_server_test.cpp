// SPDX-License-Identifier: MIT
#include "spawning/loopback_server.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <future>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "support/loopback.hpp"

namespace spawning {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using testing::Fault, testing::LoopbackServer;

/// A plain socket, and what has come out of it.
class Client {
 public:
  explicit Client(const LoopbackServer& server) : socket_{test::connect_to(server.port())} {}

  void ask(std::string_view path = "/") const {
    const std::string request = "GET " + std::string{path} + " HTTP/1.1\r\nHost: a\r\n\r\n";
    ASSERT_EQ(::send(socket_.get(), request.data(), request.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(request.size()));
  }

  // Waits for more. Says what it is; "" at the end.
  std::string receive() {
    std::array<char, 4096> octets{};
    const ssize_t count = ::recv(socket_.get(), octets.data(), octets.size(), 0);
    if (count < 0) reset_ = errno == ECONNRESET;
    if (count <= 0) return {};
    const std::string piece{octets.data(), static_cast<std::size_t>(count)};
    received_ += piece;
    return piece;
  }

  // What comes until it ends with this, or until the end.
  const std::string& receive_until(std::string_view last) {
    while (!received_.ends_with(last)) {
      if (receive().empty()) break;
    }
    return received_;
  }
  const std::string& receive_all() { return receive_until("(nothing ends so)"); }

  void shut_sending() const { ::shutdown(socket_.get(), SHUT_WR); }
  [[nodiscard]] bool reset() const { return reset_; }
  [[nodiscard]] std::string body() const {
    return received_.substr(received_.find("\r\n\r\n") + 4);
  }
  void forget() { received_.clear(); }

 private:
  UniqueFd socket_;
  std::string received_;
  bool reset_ = false;
};

void tell_path(const Request& request, Responder responder) {
  responder.respond(200, {}, "you asked for " + std::string{request.path});
}

struct LoopbackServerTest : ::testing::Test {
  LoopbackServer server{tell_path};
};

TEST_F(LoopbackServerTest, AnswersLikeAnyServerWithoutAScript) {
  Client client{server};

  client.ask("/one");
  EXPECT_TRUE(client.receive_until("/one").starts_with("HTTP/1.1 200 OK\r\n"));
  client.forget();
  client.ask("/two");
  EXPECT_TRUE(client.receive_until("/two").ends_with("you asked for /two"));

  EXPECT_EQ(server.requests(), 2U);
}

TEST_F(LoopbackServerTest, SaysWhereItIs) {
  EXPECT_EQ(server.url(), "http://127.0.0.1:" + std::to_string(server.port()) + "/");
  EXPECT_TRUE(server.url("/x?y=z").ends_with("/x?y=z"));
}

TEST_F(LoopbackServerTest, DelaysAnAnswer) {
  server.next(Fault::delayed(100ms));
  Client client{server};
  const auto asked = Clock::now();

  client.ask();

  EXPECT_NE(client.receive(), "");
  EXPECT_GE(Clock::now() - asked, 100ms);
  EXPECT_TRUE(client.receive_until("/").ends_with("you asked for /"));
}

TEST_F(LoopbackServerTest, ResetsAConnectionInPlaceOfAnAnswer) {
  server.next(Fault::reset());
  Client client{server};

  client.ask();

  EXPECT_EQ(client.receive_all(), "");
  EXPECT_TRUE(client.reset());
  EXPECT_EQ(server.requests(), 1U);
}

TEST_F(LoopbackServerTest, ResetsAConnectionInTheMiddleOfABody) {
  server.next(Fault::reset(3));
  Client client{server};

  client.ask();
  client.receive_all();

  EXPECT_TRUE(client.reset());
}

TEST_F(LoopbackServerTest, TruncatesABody) {
  server.next(Fault::truncated(3));
  Client client{server};

  client.ask();

  EXPECT_NE(client.receive_all().find("Content-Length: 15\r\n"), std::string::npos);
  EXPECT_EQ(client.body(), "you");
  EXPECT_FALSE(client.reset());
}

TEST_F(LoopbackServerTest, EndsAConnectionBehindAWholeAnswer) {
  server.next(Fault::truncated(15));
  Client client{server};

  client.ask();

  client.receive_all();
  EXPECT_EQ(client.body(), "you asked for /");
  EXPECT_FALSE(client.reset());
}

TEST_F(LoopbackServerTest, DoesNothingToABodyThatIsShorter) {
  server.next(Fault::truncated(16));
  Client client{server};

  client.ask("/");
  client.receive_until("for /");
  client.forget();
  client.ask("/again");

  EXPECT_TRUE(client.receive_until("/again").ends_with("you asked for /again"));
}

TEST_F(LoopbackServerTest, SendsAFewOctetsAtATime) {
  server.next(Fault::slow(50, 5ms));
  Client client{server};
  const auto asked = Clock::now();

  client.ask();

  const std::string answer = client.receive_until("for /");
  const auto times = static_cast<int>(answer.size() + 49) / 50;
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_GT(times, 2);
  EXPECT_GE(Clock::now() - asked, 5ms * (times - 1));

  server.next(Fault::slow(50, 1h));
  Client other{server};
  other.ask();
  EXPECT_EQ(other.receive().size(), 50U);  // the rest comes in an hour
}

TEST_F(LoopbackServerTest, LetsFaultsCountTogether) {
  Fault fault = Fault::truncated(5);
  fault.delay = 50ms;
  fault.octets = 10;
  server.next(fault);
  Client client{server};
  const auto asked = Clock::now();

  client.ask();
  client.receive_all();

  EXPECT_GE(Clock::now() - asked, 50ms);
  EXPECT_EQ(client.body(), "you a");
}

TEST_F(LoopbackServerTest, FollowsItsScriptAnswerByAnswerOverAllConnections) {
  server.next({});
  server.next(Fault::truncated(0));
  server.next(Fault::reset());
  Client first{server};

  first.ask("/one");
  EXPECT_TRUE(first.receive_until("/one").ends_with("you asked for /one"));
  first.ask("/two");
  first.receive_all();
  Client second{server};
  second.ask("/three");
  EXPECT_EQ(second.receive_all(), "");
  EXPECT_TRUE(second.reset());
  Client third{server};
  third.ask("/four");
  EXPECT_TRUE(third.receive_until("/four").ends_with("you asked for /four"));

  EXPECT_FALSE(first.reset());
  EXPECT_EQ(server.requests(), 4U);
}

TEST_F(LoopbackServerTest, AnswersAClientThatSendsNoMore) {
  Client client{server};

  client.ask();
  client.shut_sending();

  EXPECT_TRUE(client.receive_all().ends_with("you asked for /"));
}

TEST_F(LoopbackServerTest, RefusesWhatIsNoRequest) {
  const UniqueFd socket = test::connect_to(server.port());
  ASSERT_EQ(::send(socket.get(), "nonsense\r\n\r\n", 12, MSG_NOSIGNAL), 12);

  std::array<char, 12> status{};
  EXPECT_EQ(::recv(socket.get(), status.data(), status.size(), MSG_WAITALL), 12);

  EXPECT_EQ(std::string(status.data(), status.size()), "HTTP/1.1 400");
  EXPECT_EQ(server.requests(), 0U);
}

TEST(LoopbackServerScopeTest, ClosesWhatIsOpenAtItsEnd) {
  std::optional<LoopbackServer> server{std::in_place, tell_path};
  const auto port = server->port();
  Client idle{*server};
  idle.ask();
  idle.receive_until("for /");
  idle.forget();
  server->next(Fault::delayed(1h));
  Client waiting{*server};
  waiting.ask();

  server.reset();

  EXPECT_EQ(idle.receive_all(), "");
  EXPECT_EQ(waiting.receive_all(), "");
  EXPECT_THROW(test::connect_to(port), std::system_error);
}

TEST(LoopbackServerScopeTest, TakesAHandlerThatAnswersOnAnotherThread) {
  std::promise<Responder> asked;
  FunctionHandler handler{
      [&](const Request&, Responder responder) { asked.set_value(std::move(responder)); }};
  LoopbackServer server{handler};
  server.next(Fault::truncated(12));  // a chunk, and the first octets of the next
  Client client{server};

  client.ask();
  Responder responder = asked.get_future().get();
  responder.start(200, {});
  responder.write("from ");
  responder.write("elsewhere");
  responder.finish();

  client.receive_all();
  EXPECT_EQ(client.body(), "5\r\nfrom \r\n9\r");
}

TEST(LoopbackServerScopeTest, TellsTheHandlerWhoAsks) {
  std::atomic<std::uint16_t> peer{0}, local{0};
  LoopbackServer server{[&](const Request& request, Responder responder) {
    peer = request.client->port;
    local = request.connection->local.port;
    responder.respond(200, {}, "heard");
  }};
  Client client{server};

  client.ask();
  client.receive_until("heard");

  EXPECT_NE(peer, 0);
  EXPECT_EQ(local, server.port());
}

}  // namespace
}  // namespace spawning
