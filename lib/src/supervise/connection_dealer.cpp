// SPDX-License-Identifier: MIT
#include "supervise/connection_dealer.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <utility>

#include "spawning/error.hpp"

namespace spawning {

std::vector<ConnectionDealer::Hand> ConnectionDealer::deal(control::Connections connections,
                                                           std::vector<UniqueFd> sockets,
                                                           std::size_t takers) {
  if (sockets.size() != connections.states.size()) return {};
  std::vector<Hand> hands(takers);
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    if (!sockets[i]) continue;
    Hand& hand = hands[next_++ % takers];
    hand.connections.states.push_back(std::move(connections.states[i]));
    hand.sockets.push_back(std::move(sockets[i]));
  }
  return hands;
}

void raise_descriptor_limit() {
  constexpr rlim_t kEnough = 1 << 20;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) throw_last_error("getrlimit(RLIMIT_NOFILE)");
  const rlim_t wanted = std::min(limit.rlim_max, kEnough);
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = wanted;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) throw_last_error("setrlimit(RLIMIT_NOFILE)");
}

}  // namespace spawning
