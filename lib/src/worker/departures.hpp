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
/// one is full, or when the loop has its next turn.
///
/// \par Threads   I/O thread.
/// \par Lifetime  It, and `channel`, which may become null, outlive what is posted to the context.
class Departures {
 public:
  Departures(IoContext& io, const std::unique_ptr<ControlChannel>& channel)
      : io_{io}, channel_{channel} {}

  /// \param to  slots of those who should take it; none: any. \see control::Connections
  void add(HandedConnection&& connection, const std::vector<unsigned>& to);

  /// Sends those that have not been sent.
  void send();

 private:
  IoContext& io_;
  const std::unique_ptr<ControlChannel>& channel_;
  control::Connections connections_;
  std::vector<UniqueFd> sockets_;
  std::size_t octets_ = 0;
};

}  // namespace spawning
