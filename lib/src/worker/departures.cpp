// SPDX-License-Identifier: MIT
#include "worker/departures.hpp"

#include <boost/asio/post.hpp>
#include <utility>

namespace spawning {

static_assert(HandedConnection::kMostOctets <= control::Connections::kMostOctets);

void Departures::add(HandedConnection&& connection, const std::vector<unsigned>& to) {
  unsettled_ = true;
  octets_ += connection.octets.size();
  if (octets_ > control::Connections::kMostOctets || connections_.to != to) {
    send();
    octets_ = connection.octets.size();
    connections_.to = to;
  }
  connections_.states.push_back({connection.requests, std::move(connection.proxied),
                                 std::move(connection.octets), connection.moves});
  sockets_.push_back(std::move(connection.socket));
  if (sockets_.size() == ControlChannel::kMostDescriptors) {
    send();
  } else if (sockets_.size() == 1) {
    boost::asio::post(io_, [this] { send(); });
  }
}

// The channel keeps its order both ways: the answer is behind whatever comes back.
bool Departures::settled() {
  send();
  if (!channel_) return true;
  if (!asked_ && std::exchange(unsettled_, false)) {
    asked_ = true;
    channel_->send(control::encode(control::Connections{}));
  }
  return !asked_;
}

void Departures::send() {
  if (sockets_.empty()) return;
  const auto connections = std::exchange(connections_, {});
  auto sockets = std::exchange(sockets_, {});
  octets_ = 0;
  if (channel_) channel_->send(control::encode(connections), std::move(sockets));
}

}  // namespace spawning
