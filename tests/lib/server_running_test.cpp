// SPDX-License-Identifier: MIT
// A Server that is all there is to a program: run(), stop(), and what becomes of its sockets.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "spawning/server.hpp"
#include "support/loopback.hpp"
#include "support/run_until.hpp"
#include "support/temporary_directory.hpp"

namespace spawning {
namespace {

using namespace std::chrono_literals;
using test::connect_to;

struct ServerRunningTest : ::testing::Test {
  // These clients read only when the server has ended.
  static HttpConfig config() {
    HttpConfig config;
    config.timeouts.linger = 50ms;
    return config;
  }

  // A client that has asked for this, whatever the server makes of it.
  [[nodiscard]] UniqueFd ask(std::string_view path) const {
    UniqueFd client = connect_to(port);
    const std::string request = "GET " + std::string{path} + " HTTP/1.1\r\nHost: a\r\n\r\n";
    EXPECT_EQ(::send(client.get(), request.data(), request.size(), 0),
              static_cast<ssize_t>(request.size()));
    return client;
  }

  // All that a client gets until the end.
  static std::string answer(const UniqueFd& client) {
    std::string text;
    std::array<char, 4096> octets{};
    ssize_t count = 0;
    while ((count = ::recv(client.get(), octets.data(), octets.size(), 0)) > 0)
      text.append(octets.data(), static_cast<std::size_t>(count));
    return text;
  }

  [[nodiscard]] std::string logged() const {
    std::string text(static_cast<std::size_t>(::lseek(log_file.get(), 0, SEEK_END)), '\0');
    EXPECT_GE(::pread(log_file.get(), text.data(), text.size(), 0), 0);
    return text;
  }

  void listen() {
    ListeningSocket socket = bind_listener("127.0.0.1:0");
    port = Address::local(socket.fd.get()).port;
    server->listen(std::move(socket));
  }

  // Again and again: what comes at once is taken for the signal before.
  void insist() {
    ::raise(SIGTERM);
    timer.expires_after(10ms);
    timer.async_wait([this](boost::system::error_code error) {
      if (!error) insist();
    });
  }

  UniqueFd log_file{::memfd_create("log", MFD_CLOEXEC)};
  Log log{log_file.get(), "test"};
  IoContext context{1};
  boost::asio::steady_timer timer{context};
  std::optional<Responder> kept;
  std::function<void()> when_asked = [] {};
  FunctionHandler handler{[this](const Request&, Responder responder) {
    ASSERT_TRUE(responder.begin());
    kept.emplace(std::move(responder));
    when_asked();
  }};
  std::optional<Server> server{std::in_place, context, handler, log, config()};
  std::uint16_t port = 0;
};

TEST_F(ServerRunningTest, AnswersWhoHasAskedWhenASignalComes) {
  for (const int number : {SIGINT, SIGTERM}) {
    server.emplace(context, handler, log, config());
    listen();
    when_asked = [this, number] {
      ::raise(number);
      boost::asio::post(context, [this] { kept->respond(200, {}, "in time"); });
    };
    const UniqueFd client = ask("/");

    server->run();

    EXPECT_TRUE(answer(client).ends_with("in time"));
    EXPECT_THROW(connect_to(port), std::system_error);
  }
  EXPECT_NE(logged().find("SIGTERM: stopping, requests may finish within 10.0 s"),
            std::string::npos);
}

TEST_F(ServerRunningTest, TakesTwoSignalsThatComeTogetherForOne) {
  listen();
  when_asked = [this] {
    ::raise(SIGTERM);
    ::raise(SIGINT);
    // Behind what follows from them.
    timer.expires_after(1ms);
    timer.async_wait([this](auto) { kept->respond(200, {}, "in time"); });
  };
  const UniqueFd client = ask("/");

  server->run();

  EXPECT_TRUE(answer(client).ends_with("in time"));
}

TEST_F(ServerRunningTest, LosesWhatIsLeftAtASecondSignal) {
  listen();
  when_asked = [this] { insist(); };
  const UniqueFd client = ask("/slow");

  server->run(1h);
  server.reset();

  EXPECT_EQ(answer(client), "");
  EXPECT_NE(logged().find("SIGTERM again: stopping at once"), std::string::npos);
  EXPECT_NE(logged().find("GET /slow from 127.0.0.1:"), std::string::npos);
  EXPECT_NE(logged().find("and is lost"), std::string::npos);
}

TEST_F(ServerRunningTest, LosesWhatIsLeftWhenItsPatienceIsOver) {
  listen();
  when_asked = [] { ::raise(SIGINT); };
  const UniqueFd client = ask("/slow");

  server->run(50ms);
  server.reset();

  EXPECT_EQ(answer(client), "");
  EXPECT_NE(logged().find("GET /slow from 127.0.0.1:"), std::string::npos);
}

TEST_F(ServerRunningTest, StopsAtTheWordOfAnotherThread) {
  listen();
  when_asked = [this] {
    std::thread{[this] { server->stop(); }}.join();
    boost::asio::post(context, [this] { kept->respond(200, {}, "in time"); });
  };
  const UniqueFd client = ask("/");

  server->run();

  EXPECT_TRUE(answer(client).ends_with("in time"));
}

TEST_F(ServerRunningTest, StopsInAContextThatSomebodyElseRuns) {
  listen();
  when_asked = [this] { server->stop(50ms); };
  const UniqueFd client = ask("/slow");

  context.run();
  server.reset();

  EXPECT_EQ(answer(client), "");
  EXPECT_NE(logged().find("GET /slow from 127.0.0.1:"), std::string::npos);
}

TEST_F(ServerRunningTest, TouchesNobodysContextOnceItHasEnded) {
  listen();
  server->stop(0ms);
  server.reset();
  bool reached = false;
  boost::asio::post(context, [&] { reached = true; });

  context.run();

  EXPECT_TRUE(reached);
  EXPECT_EQ(logged(), "");
}

TEST_F(ServerRunningTest, LetsALoopWithNothingElseToDoEndOnceItHasDrained) {
  listen();
  when_asked = [this] {
    server->drain();
    kept->respond(200, {}, "in time");
  };
  const UniqueFd client = ask("/");

  context.run();

  EXPECT_TRUE(answer(client).ends_with("in time"));
}

TEST_F(ServerRunningTest, RemovesTheFileOfAUnixSocketThatIsItsOwn) {
  const test::TemporaryDirectory directory;
  const std::string path = directory / "app.sock";
  server->listen(bind_listener("unix:" + path));
  EXPECT_TRUE(std::filesystem::exists(path));

  server->drain();
  context.run();
  EXPECT_FALSE(std::filesystem::exists(path));

  server.emplace(context, handler, log);
  server->listen(bind_listener("unix:" + path));
  server.reset();
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(ServerRunningTest, LeavesASocketToItsOwner) {
  ListeningSocket socket = bind_listener("127.0.0.1:0");
  port = Address::local(socket.fd.get()).port;
  server->listen(UniqueFd{::dup(socket.fd.get())});

  server->drain();
  context.run();

  EXPECT_TRUE(connect_to(port));
}

TEST_F(ServerRunningTest, ListensNowhereThatIsNoAddress) {
  EXPECT_THROW(server->listen(bind_listener("nowhere")), StartupError);
  EXPECT_THROW(server->listen(UniqueFd{::dup(STDIN_FILENO)}), std::system_error);
}

}  // namespace
}  // namespace spawning
