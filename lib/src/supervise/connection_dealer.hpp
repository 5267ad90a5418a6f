// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Connections on their way from one worker to others that serve.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "control/message.hpp"
#include "spawning/unique_fd.hpp"

namespace spawning {

/// Deals connections out: idle ones to those who have fewest, those with a request to those with
/// most threads to spare; in turn where it makes no difference.
class ConnectionDealer {
 public:
  /// How busy one taker is.
  struct Taker {
    std::uint64_t connections = 0;  ///< that it has, or is about to get
    std::int64_t room = 0;          ///< idle threads less waiting requests
  };

  /// What one taker gets.
  struct Hand {
    control::Connections connections{};
    std::vector<UniqueFd> sockets{};
  };

  /// Those of which no socket has come, for want of descriptors, are left out.
  /// \param takers  at least one.
  /// \returns a Hand for each; none at all, and the sockets are closed, if there are not as many
  ///          sockets as connections.
  [[nodiscard]] std::vector<Hand> deal(control::Connections connections,
                                       std::vector<UniqueFd> sockets, std::vector<Taker> takers);

 private:
  [[nodiscard]] std::size_t choose(const std::vector<Taker>& takers, bool with_request) const;

  std::size_t next_ = 0;
};

}  // namespace spawning
