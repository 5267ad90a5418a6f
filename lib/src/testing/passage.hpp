// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The way between a client and a Server in the same process, on which answers go wrong.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "spawning/asio.hpp"
#include "spawning/loopback_server.hpp"
#include "spawning/unique_fd.hpp"

namespace spawning::testing {

/// Carries the octets of one connection both ways: what the client sends as it comes, what the server
/// sends under the fault of the answer that it belongs to.
///
/// \par Threads   The one that runs the context.
/// \par Lifetime  Keeps itself alive until both ways have come to their end.
class Passage : public std::enable_shared_from_this<Passage> {
 public:
  /// \param client  a connection of TCP's.
  /// \param server  one end of a socketpair(2), whose other end a Server has.
  /// \throws std::system_error
  Passage(IoContext& io, UniqueFd client, UniqueFd server);

  void start();

  /// What the server sends from here on is its next answer.
  void begin_answer(const Fault& fault);

 private:
  using Socket = boost::asio::generic::stream_protocol::socket;

  struct Answer {
    Fault fault{};
    std::string octets{};                 // that have not been sent
    std::optional<std::uint64_t> left{};  // until the fault's end, once that is known
    bool begun = false;
  };

  static boost::asio::awaitable<void> carry_requests(std::shared_ptr<Passage> self);
  static boost::asio::awaitable<void> carry_answers(std::shared_ptr<Passage> self);
  [[nodiscard]] bool receive();
  [[nodiscard]] bool may_send();
  [[nodiscard]] static std::string take(Answer& answer);
  void end(Fault::End how);
  void close_server();

  Socket client_, server_;
  boost::asio::steady_timer timer_;
  std::deque<Answer> answers_{
      Answer{}};  // the first is what is said before any request: never empty
  bool answers_ended_ = false;
};

}  // namespace spawning::testing
