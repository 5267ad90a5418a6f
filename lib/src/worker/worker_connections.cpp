// SPDX-License-Identifier: MIT
// Which connections a worker takes, and which it leaves or gives to others.
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "worker/worker_state.hpp"

namespace spawning {
namespace {

// How long new connections are left to siblings while every thread is busy, and how many are taken then.
constexpr std::chrono::milliseconds kSiblingsChance{10};
constexpr unsigned kNewcomers = 64;

}  // namespace

// Work that a sibling could do at once is left to it: while every thread is busy, new connections
// stay in the kernel's queue, which all workers share. Where nobody shares it, some come in at once;
// not once a thread is lost, because what waits in that queue its successor finds there.
bool Worker::State::may_accept() {
  if (!pool->saturated()) {
    keeps_out = false;
    return true;
  }
  if (!std::exchange(keeps_out, true) && !unfit && relief->alone()) accept_anyway = kNewcomers;
  if (accept_anyway > 0) {
    --accept_anyway;
    return true;
  }
  accept_paused = true;
  look_at_the_backlog_later();
  // A thread may have become free between the two lines above, and found nothing to resume.
  return !pool->saturated() && accept_paused.exchange(false);
}

// Threads that are busy without a pause but get on must not keep newcomers out for as long as older
// connections bring them work: siblings have had their chance by now. Threads that are stuck do,
// but for those few whom a worker lets in that is alone.
void Worker::State::look_at_the_backlog_later() {
  backlog_timer.expires_after(kSiblingsChance);
  backlog_timer.async_wait([this, before = pool->completed()](boost::system::error_code error) {
    if (error || !server || !accept_paused) return;
    if (pool->completed() == before) return look_at_the_backlog_later();
    accept_paused = false;
    accept_anyway = kNewcomers;
    server->accept_again();
  });
}

// Connections that a sibling has given away.
void Worker::State::adopt(control::Connections connections, std::vector<UniqueFd> sockets) const {
  slot.connections_adopted += sockets.size();
  if (!server || sockets.size() != connections.states.size())
    return log.error(std::to_string(sockets.size()) +
                     " connections of a sibling came that cannot be served here, and are closed");
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    if (!sockets[i]) {
      log.error(
          "a connection was dropped: this process may have no more descriptors; raise their limit "
          "(ulimit -n), or lower --max-connections");
      continue;
    }
    auto& state = connections.states[i];
    server->adopt(HandedConnection{std::move(sockets[i]), state.requests, std::move(state.proxied),
                                   std::move(state.octets), state.moves});
  }
}

bool Worker::State::give_away(HandedConnection& connection) {
  if (!channel) return false;
  const bool to_anybody = draining && connection.octets.empty();
  departures.add(std::move(connection), to_anybody ? std::vector<unsigned>{} : relief->takers());
  return true;
}

}  // namespace spawning
