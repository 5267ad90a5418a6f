// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Connections on their way from workers that drain to workers that serve.

#include <cstddef>
#include <vector>

#include "control/message.hpp"
#include "spawning/unique_fd.hpp"

namespace spawning {

/// Deals connections out in turn, so that each taker gets as many as any other, one more at most,
/// however many come at once.
class ConnectionDealer {
 public:
  /// What one taker gets.
  struct Hand {
    control::Connections connections{};
    std::vector<UniqueFd> sockets{};
  };

  /// Those of which no socket has come, for want of descriptors, are left out.
  /// \param takers  how many there are; not 0.
  /// \returns a Hand for each; none at all, and the sockets are closed, if there are not as many
  ///          sockets as connections.
  [[nodiscard]] std::vector<Hand> deal(control::Connections connections,
                                       std::vector<UniqueFd> sockets, std::size_t takers);

 private:
  std::size_t next_ = 0;
};

/// Lets this process, and those that it starts, have as many descriptors as the system allows, but
/// not above a million: who counts up to the limit shall not take long. Connections on their way
/// count too. \see getrlimit(2), RLIMIT_NOFILE
void raise_descriptor_limit();

}  // namespace spawning
