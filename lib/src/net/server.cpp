// SPDX-License-Identifier: MIT
#include "spawning/server.hpp"

#include <sys/ioctl.h>

#include <boost/asio/post.hpp>
#include <string>
#include <utility>

#include "base/descriptor_table.hpp"
#include "net/server_state.hpp"
#include "spawning/error.hpp"

namespace spawning {
namespace {

// How late a deadline may be met.
constexpr std::chrono::milliseconds kSweep{200};

// For handshakes that are under way when newcomers are turned away.
constexpr std::chrono::milliseconds kHandshakes{100};

UniqueFd non_blocking(UniqueFd socket) {
  int on = 1;
  if (::ioctl(socket.get(), FIONBIO, &on) != 0) throw_last_error("FIONBIO");
  return socket;
}

}  // namespace

void Server::State::dropped(const std::exception& error) const {
  context->log.error(
      std::string{"a connection was dropped: "} + error.what() +
      "; if memory or descriptors are short, raise their limits, or lower that of connections "
      "(--max-connections)");
}

bool Server::State::adopt(UniqueFd socket, HandedConnection before) {
  try {
    const auto connection =
        std::make_shared<HttpConnection>(context, std::move(socket), std::move(before));
    connection->start();
    if (context->draining) connection->drain();
  } catch (const std::exception& error) {  // out of memory, or its addresses cannot be told
    dropped(error);
    return false;
  }
  schedule_sweep();
  return true;
}

void Server::State::adopt(HandedConnection connection) {
  UniqueFd socket = std::move(connection.socket);
  adopt(std::move(socket), std::move(connection));
}

void Server::State::take(UniqueFd newcomer) {
  if (adopt(std::move(newcomer))) return;
  for (auto& listener : listeners)
    listener->rest();  // memory, or watches, may be there again later
}

// Who cannot be given away by a server that drains is closed, and so are all others from here on.
void Server::State::give_away(HandedConnection connection) {
  if (hand_over && hand_over(connection)) return;
  if (context->draining && !context->closing.exchange(true)) {
    boost::asio::post(context->io, [self = shared_from_this()] { self->drain_connections(); });
  }
  adopt(std::move(connection));
}

// Of all that are here now, because what is done to one may end others.
std::vector<std::shared_ptr<HttpConnection>> Server::State::all_connections() const {
  return {context->connections.begin(), context->connections.end()};
}

void Server::State::drain_connections() const {
  for (const auto& connection : all_connections()) connection->drain();
}

void Server::State::tell_if_drained() {
  if (drained && listeners.empty() && context->connections.empty())
    boost::asio::post(context->io, std::exchange(drained, nullptr));
}

// Everybody who is in it, and who gets into it while handshakes complete.
void Server::State::empty_backlog() {
  if (listeners.empty()) return;
  resume_listeners();
  backlog_timer.expires_after(kHandshakes);
  backlog_timer.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (error) return;
    std::erase_if(self->listeners, [](const auto& listener) { return listener->accept_all(); });
    if (!self->listeners.empty()) return self->empty_backlog();  // there were no descriptors
    self->sockets.clear();
    self->tell_if_drained();
  });
}

void Server::State::connection_closed() {
  if (drained) {
    tell_if_drained();
  } else if (context->connections.size() + 1 == context->config.max_connections) {
    resume_listeners();
  }
}

void Server::State::resume_listeners() {
  for (auto& listener : listeners) listener->resume();
}

// The timer runs only while there are connections, or look() wants it to: an idle server causes no
// wake-up.
void Server::State::schedule_sweep() {
  if (sweeping || (context->connections.empty() && !look_again)) return;
  sweeping = true;
  timer.expires_after(kSweep);
  timer.async_wait([self = shared_from_this()](boost::system::error_code error) {
    self->sweeping = false;
    if (error) return;
    self->sweep();
    self->look_again = self->look && self->look();
    self->schedule_sweep();
  });
}

void Server::State::sweep() {
  context->deadlines.sweep(
      std::chrono::steady_clock::now(), [](Deadlines::Node& node, Deadlines::Kind kind) {
        HttpConnection& connection = static_cast<ConnectionDeadline&>(node).owner;
        const auto alive = connection.shared_from_this();
        connection.expired(kind);
      });
}

void Server::State::listen(UniqueFd socket) {
  ListenerOptions options;
  options.may_accept = [this] {
    if (context->draining) return true;
    return !full() && (!may_accept || may_accept());
  };
  listeners.push_back(std::make_unique<Listener>(
      context->io, std::move(socket), [this](UniqueFd connection) { take(std::move(connection)); },
      std::move(options)));
}

void Server::State::drain(std::function<void()> when_drained, HandOver taker) {
  context->draining = true;
  context->closing = !taker;
  drained = std::move(when_drained);
  hand_over = std::move(taker);
  if (hand_over) {
    listeners.clear();
    sockets.clear();
  } else {
    turn_newcomers_away();
    empty_backlog();
  }
  drain_connections();
  tell_if_drained();
}

void Server::State::turn_newcomers_away() {
  for (ListeningSocket& each : sockets) {
    if (const auto error = each.turn_newcomers_away())
      context->log.warning("who connects now may be reset: " + error.message());
  }
}

void Server::State::each_running(const std::function<void(const RunningRequest&)>& visit) const {
  const auto now = std::chrono::steady_clock::now();
  const auto show = [&visit, now](const HttpConnection& connection) {
    if (const auto request = connection.running(now)) visit(*request);
  };
  for (const auto& connection : context->connections) show(*connection);
  for (const auto& closed : context->closed_under_way) {
    if (const auto connection = closed.lock()) show(*connection);
  }
}

Server::Server(IoContext& context, Handler& handler, const Log& log, HttpConfig config,
               ServerObserver* observer)
    : state_{std::make_shared<State>(context, handler, log, config, observer)} {}

Server::~Server() {
  state_->listeners.clear();
  state_->sockets.clear();
  state_->drained = nullptr;
  state_->timer.cancel();
  state_->ended = true;
  state_->patience.cancel();
  state_->backlog_timer.cancel();
  state_->look = nullptr;
  state_->context->connection_closed = [] {};
  state_->context->closing = true;
  state_->context->hand_over = nullptr;  // whoever is left is closed
  auto& connections = state_->context->connections;
  while (!connections.empty()) {
    const auto alive = connections.front();
    alive->close();
  }
  state_->context->poll_set.reset();
}

void Server::listen(UniqueFd socket) { state_->listen(std::move(socket)); }

void Server::listen(ListeningSocket socket) {
  state_->listen(copy_of(socket.fd.get()));
  state_->sockets.push_back(std::move(socket));
}

void Server::adopt(UniqueFd socket) { state_->adopt(non_blocking(std::move(socket))); }

void Server::adopt(HandedConnection connection) { state_->adopt(std::move(connection)); }

void Server::accept_while(std::function<bool()> predicate) {
  state_->may_accept = std::move(predicate);
}

void Server::accept_again() { state_->resume_listeners(); }

void Server::announce_close() { state_->context->closing = true; }

void Server::drain(std::function<void()> drained, HandOver hand_over) {
  state_->drain(std::move(drained), std::move(hand_over));
}

void Server::hand_over_to(HandOver taker) { state_->hand_over = std::move(taker); }

std::size_t Server::move_away(std::size_t most) {
  std::size_t moved = 0;
  for (const auto& connection : state_->all_connections()) {
    if (moved == most) break;
    if (connection->move_away()) ++moved;
  }
  return moved;
}

void Server::between_turns(std::function<void()> pause) {
  ServerContext& context = *state_->context;
  context.poll_set->between_turns([&context, pause = std::move(pause)] {
    context.pausing.store(true, std::memory_order_relaxed);
    pause();
    context.pausing.store(false, std::memory_order_relaxed);
  });
}

void Server::on_sweep(std::function<bool()> look) { state_->look = std::move(look); }

void Server::each_running(const std::function<void(const RunningRequest&)>& visit) const {
  state_->each_running(visit);
}

std::size_t Server::connections() const { return state_->context->connections.size(); }

}  // namespace spawning
