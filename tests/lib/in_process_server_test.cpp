// SPDX-License-Identifier: MIT
#include "spawning/in_process_server.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/function_handler.hpp"
#include "support/loopback.hpp"

namespace spawning {
namespace {

using namespace std::chrono_literals;
using test::connect_to;

constexpr std::string_view kRequest = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kAnswer = "you asked for /x";

void send_text(const UniqueFd& socket, std::string_view text) {
  ASSERT_EQ(::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(text.size()));
}

// What comes until it ends with `last`, or until the end or a reset.
std::string receive(const UniqueFd& socket, std::string_view last = "\n\n\n") {
  std::string text;
  std::array<char, 4096> buffer{};
  while (!text.ends_with(last)) {
    const ssize_t count = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (count <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return text;
}

struct InProcessServerTest : ::testing::Test {
  ~InProcessServerTest() override {
    if (server) server->stop();
    gate.release(100);
    for (auto& each : threads) each.join();
  }

  void start(InProcessConfig config = {}) {
    ListeningSocket socket = bind_listener(BindAddress::parse("127.0.0.1:0"));
    server.emplace(std::move(socket), handler, log, std::move(config));
    threads.emplace_back([this] {
      while (server->wait_for_call()) {
        while (server->run_one()) {
        }
      }
    });
  }

  [[nodiscard]] UniqueFd connect() const { return connect_to(server->address().port); }

  [[nodiscard]] bool finished(std::chrono::milliseconds patience = 20s) const {
    pollfd watched{server->finished_fd(), POLLIN, 0};
    return ::poll(&watched, 1, static_cast<int>(patience.count())) == 1;
  }

  [[nodiscard]] std::string logged() const {
    std::string text(static_cast<std::size_t>(::lseek(log_file.get(), 0, SEEK_END)), '\0');
    EXPECT_GE(::pread(log_file.get(), text.data(), text.size(), 0), 0);
    return text;
  }

  UniqueFd log_file{::memfd_create("log", MFD_CLOEXEC)};
  Log log{log_file.get(), "test"};
  std::counting_semaphore<> gate{0}, inside{0};
  test::FunctionHandler handler{[this](const Request& request, Responder responder) {
    if (request.path == "/wait") {
      inside.release();
      gate.acquire();
    }
    responder.respond({}, std::string{"you asked for "} + std::string{request.path});
  }};
  std::optional<InProcessServer> server;
  std::vector<std::thread> threads;
};

TEST_F(InProcessServerTest, ServesOnThePortThatItNames) {
  start();
  const UniqueFd client = connect();

  send_text(client, kRequest);

  EXPECT_TRUE(receive(client, kAnswer).ends_with(kAnswer));
  EXPECT_EQ(server->address().host, "127.0.0.1");
}

TEST_F(InProcessServerTest, FinishesWhatRunsBeforeItEnds) {
  start();
  const UniqueFd client = connect();
  send_text(client, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
  inside.acquire();

  server->drain({.newcomers = false});
  EXPECT_FALSE(finished(20ms));
  gate.release();

  EXPECT_TRUE(receive(client).ends_with("you asked for /wait"));
  EXPECT_TRUE(finished());
  EXPECT_EQ(logged(), "");
}

TEST_F(InProcessServerTest, ClosesIdleConnectionsWhenItDrains) {
  start();
  const UniqueFd used = connect(), fresh = connect();
  send_text(used, kRequest);
  ASSERT_TRUE(receive(used, kAnswer).ends_with(kAnswer));

  server->drain({.newcomers = false});

  EXPECT_EQ(receive(used), "");
  EXPECT_EQ(receive(fresh), "");
  EXPECT_TRUE(finished());
}

TEST_F(InProcessServerTest, AnswersNewcomersWhileItDrains) {
  start();
  const UniqueFd idle = connect(), first = connect();
  send_text(idle, kRequest);
  ASSERT_TRUE(receive(idle, kAnswer).ends_with(kAnswer));
  send_text(first, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
  inside.acquire();
  UniqueFd second = connect();
  send_text(second, kRequest);

  server->drain();
  EXPECT_EQ(receive(idle), "");  // it drains
  EXPECT_FALSE(finished(20ms));
  gate.release();

  const std::string answer = receive(second);
  EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(answer.ends_with(kAnswer));
  second.reset();
  EXPECT_TRUE(receive(first).ends_with("you asked for /wait"));
}

TEST_F(InProcessServerTest, RefusesConnectionsOnceItHasFinished) {
  start();
  const auto port = server->address().port;

  server->drain({.newcomers = false});
  ASSERT_TRUE(finished());

  EXPECT_THROW(connect_to(port), std::system_error);
}

TEST_F(InProcessServerTest, LosesARequestThatOutlastsItsPatience) {
  start();
  const UniqueFd client = connect();
  send_text(client, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
  inside.acquire();

  server->drain({.newcomers = false, .patience = 50ms});

  EXPECT_TRUE(finished());
  EXPECT_EQ(receive(client), "");
  EXPECT_NE(logged().find("a request still runs after"), std::string::npos);
  EXPECT_NE(logged().find("GET /wait from 127.0.0.1:"), std::string::npos);
}

TEST_F(InProcessServerTest, StopsAtOnceAndAnyNumberOfTimes) {
  start();
  const UniqueFd client = connect();

  server->stop();
  server->stop();

  EXPECT_TRUE(finished());
  EXPECT_EQ(receive(client), "");
  server->drain();  // too late, and harmless
}

TEST_F(InProcessServerTest, LetsGoOfThePortInAForkedChild) {
  start();
  const auto port = server->address().port;
  auto [ours, childs] = test::make_socketpair();
  const pid_t child = ::fork();
  if (child == 0) {
    server->let_go_in_child();
    server->drain();
    server->stop();  // there is no thread to wait for
    ours.reset();
    std::array<char, 1> octet{'x'};
    const bool told = ::send(childs.get(), octet.data(), 1, MSG_NOSIGNAL) == 1;
    ::_exit(told && ::recv(childs.get(), octet.data(), 1, 0) == 0 ? 0 : 1);  // at the test's word
  }
  ASSERT_GT(child, 0);
  childs.reset();
  ASSERT_EQ(receive(ours, "x"), "x");
  const UniqueFd client = connect();
  send_text(client, kRequest);
  EXPECT_TRUE(receive(client, kAnswer).ends_with(kAnswer));

  server->stop();

  EXPECT_THROW(connect_to(port), std::system_error);
  ours.reset();
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace spawning
