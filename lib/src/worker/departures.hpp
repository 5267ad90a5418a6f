// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Connections that a worker gives away.

#include <cstddef>
#include <memory>
#include <vector>

#include "control/message.hpp"
#include "spawning/asio.hpp"
#include "spawning/control_channel.hpp"
#include "spawning/server.hpp"
#include "spawning/unique_fd.hpp"

namespace spawning {

/// Collects connections that leave and sends them to the supervisor, several in one message: when
/// one is full, or when the loop has its next turn. Until they are dealt out some may come back: those
/// that nobody else can take any more by then.
///
/// \par Threads   I/O thread.
/// \par Lifetime  It, and `channel`, which may become null, outlive what is posted to the context.
class Departures {
 public:
  Departures(IoContext& io, const std::unique_ptr<ControlChannel>& channel)
      : io_{io}, channel_{channel} {}

  /// \param to  slots of those who should take it; none: any. \see control::Connections
  void add(HandedConnection&& connection, const std::vector<unsigned>& to);

  /// Whether none can come back: the supervisor has said that all are dealt out, or is gone. If not
  /// it is asked, unless it has been already; dealt_out() is to follow, and then this question anew.
  [[nodiscard]] bool settled();

  /// The supervisor has answered.
  void dealt_out() { asked_ = false; }

 private:
  void send();

  IoContext& io_;
  const std::unique_ptr<ControlChannel>& channel_;
  control::Connections connections_;
  std::vector<UniqueFd> sockets_;
  std::size_t octets_ = 0;
  bool unsettled_ = false;  // some have left since the supervisor was asked
  bool asked_ = false;      // and has not answered
};

}  // namespace spawning
