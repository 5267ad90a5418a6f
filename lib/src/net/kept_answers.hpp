// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// How long answers are kept for the ones behind them.

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <vector>

#include "spawning/asio.hpp"

namespace spawning {

class HttpConnection;

/// Lets the connections whose answers are kept, to be sent with the next one, look at them once a
/// millisecond, while there are any.
///
/// \par Threads   I/O thread.
/// \par Lifetime  Shared with the pending wait, which may outlive the connections' server.
class KeptAnswers : public std::enable_shared_from_this<KeptAnswers> {
 public:
  explicit KeptAnswers(IoContext& io) : timer_{io} {}

  /// A connection has begun to keep answers: HttpConnection::look_at_kept() is called until it says that
  /// there is nothing to wait for.
  void watch(std::weak_ptr<HttpConnection> connection);

 private:
  static constexpr std::chrono::milliseconds kBetweenLooks{1};

  void wait();
  void look();

  boost::asio::steady_timer timer_;
  std::vector<std::weak_ptr<HttpConnection>> watched_;
};

}  // namespace spawning
