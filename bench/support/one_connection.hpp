// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// A Server, one connection to it, and what is usually asked over it, in one process.

#include <unistd.h>

#include <array>
#include <string>
#include <string_view>

#include "spawning/error.hpp"
#include "spawning/handler.hpp"
#include "spawning/log.hpp"
#include "spawning/responder.hpp"
#include "spawning/server.hpp"
#include "support/loopback.hpp"

namespace spawning::bench {

class Hello : public Handler {
 public:
  void handle(Request, Responder responder) override {
    static constexpr std::array kHeaders{Header{"Content-Type", "text/plain; charset=utf-8"}};
    responder.respond({.status = 200, .reason = {}, .headers = kHeaders}, "Hello, world!\n");
  }
};

/// Answers with what was sent, without looking at where it lies.
class Echo : public Handler {
 public:
  void handle(Request request, Responder responder) override {
    responder.respond({}, request.body->unread_in_memory());
  }
};

inline std::string echo_request(std::size_t length) {
  const std::string count = std::to_string(length);
  return "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + count + "\r\n\r\n" +
         std::string(length, 'x');
}

/// One client's end of a connection to a Server in this process.
class OneConnection {
 public:
  explicit OneConnection(Handler& handler) : server_{context_, handler, log_} {
    auto [client, served] = test::make_socketpair();
    client_ = std::move(client);
    server_.adopt(std::move(served));
    context_.poll();
  }

  void send(std::string_view octets) {
    if (::send(client_.get(), octets.data(), octets.size(), 0) < 0) throw_last_error("send");
  }

  /// Runs the server's loop until `count` octets have come back.
  void receive(std::size_t count) {
    for (std::size_t got = 0; got < count;) {
      test::run_ready(context_);
      got += receive_some();
    }
  }

  /// The length of the answer to one such request; warms everything up.
  std::size_t measure(std::string_view request) {
    std::size_t length = 0;
    for (int i = 0; i < 1000; ++i) {
      send(request);
      for (length = 0; length == 0; length = receive_some()) test::run_ready(context_);
    }
    return length;
  }

  /// \name For who does these things otherwise
  /// @{
  [[nodiscard]] IoContext& context() { return context_; }
  [[nodiscard]] const UniqueFd& client() const { return client_; }
  /// @}

 private:
  std::size_t receive_some() {
    const ssize_t count = ::recv(client_.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    return count > 0 ? static_cast<std::size_t>(count) : 0;
  }

  IoContext context_{1};
  Log log_{STDERR_FILENO, "bench"};
  Server server_;
  UniqueFd client_;
  std::string buffer_ = std::string(1 << 20, '\0');
};

}  // namespace spawning::bench
