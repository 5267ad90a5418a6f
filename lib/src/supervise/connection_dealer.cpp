// SPDX-License-Identifier: MIT
#include "supervise/connection_dealer.hpp"

#include <algorithm>
#include <utility>

namespace spawning {

std::vector<ConnectionDealer::Hand> ConnectionDealer::deal(control::Connections connections,
                                                           std::vector<UniqueFd> sockets,
                                                           std::vector<Taker> takers) {
  if (sockets.size() != connections.states.size()) return {};
  std::vector<Hand> hands(takers.size());
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    if (!sockets[i]) continue;
    const bool with_request = !connections.states[i].octets.empty();
    const std::size_t chosen = choose(takers, with_request);
    next_ = chosen + 1;
    ++takers[chosen].connections;
    if (with_request) --takers[chosen].room;
    hands[chosen].connections.states.push_back(std::move(connections.states[i]));
    hands[chosen].sockets.push_back(std::move(sockets[i]));
  }
  return hands;
}

std::size_t ConnectionDealer::choose(const std::vector<Taker>& takers, bool with_request) const {
  const auto rank = [with_request](const Taker& taker) {
    return std::pair{with_request ? -taker.room : 0, taker.connections};
  };
  std::size_t best = next_ % takers.size();
  for (std::size_t i = 1; i < takers.size(); ++i) {
    const std::size_t other = (next_ + i) % takers.size();
    if (rank(takers[other]) < rank(takers[best])) best = other;
  }
  return best;
}

}  // namespace spawning
