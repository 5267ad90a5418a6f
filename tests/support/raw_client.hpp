// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// A client that sends octets as they are and keeps what comes back.

#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <string_view>

#include "spawning/error.hpp"
#include "spawning/unique_fd.hpp"
#include "support/run_until.hpp"

namespace spawning::test {

/// Drives its own end of a connection and the server's event loop by turns, on one thread.
class RawClient {
 public:
  RawClient(IoContext& context, UniqueFd socket) : context_{context}, socket_{std::move(socket)} {}

  /// Sends all of it, running the server while the socket is full.
  void send(std::string_view octets) {
    while (!octets.empty()) {
      const ssize_t sent =
          ::send(socket_.get(), octets.data(), octets.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent > 0) {
        octets.remove_prefix(static_cast<std::size_t>(sent));
      } else if (errno != EAGAIN) {
        throw_last_error("sending to the server");
      } else {
        context_.restart();
        context_.run_one_for(std::chrono::milliseconds{10});
      }
    }
  }

  /// Takes what has arrived, at most `most` octets of it.
  void receive(std::size_t most = 1 << 20) {
    std::string buffer(most, '\0');
    const ssize_t count = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count > 0) received_.append(buffer, 0, static_cast<std::size_t>(count));
    if (count == 0) closed_ = true;
    if (count < 0 && errno == ECONNRESET) closed_ = reset_ = true;
  }

  /// Runs the server until what has come back contains `text`.
  [[nodiscard]] bool sees(std::string_view text) {
    return run_until(context_, [&] {
      receive();
      return received_.find(text) != std::string::npos;
    });
  }

  /// Runs the server until the connection has ended.
  [[nodiscard]] bool sees_the_end() {
    return run_until(context_, [&] {
      receive();
      return closed_;
    });
  }

  void shut_sending() { ::shutdown(socket_.get(), SHUT_WR); }
  void close() { socket_.reset(); }

  [[nodiscard]] const std::string& received() const { return received_; }
  void forget() { received_.clear(); }
  [[nodiscard]] bool closed() const { return closed_; }
  [[nodiscard]] bool reset() const { return reset_; }
  [[nodiscard]] int fd() const { return socket_.get(); }

 private:
  IoContext& context_;
  UniqueFd socket_;
  std::string received_;
  bool closed_ = false;
  bool reset_ = false;
};

}  // namespace spawning::test
