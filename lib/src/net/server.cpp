// SPDX-License-Identifier: MIT
#include "spawning/server.hpp"

#include <sys/ioctl.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "net/http_connection.hpp"
#include "net/server_context.hpp"
#include "spawning/error.hpp"
#include "spawning/listener.hpp"

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

struct Server::State : std::enable_shared_from_this<State> {
  State(IoContext& io, Handler& handler, const Log& log, const HttpConfig& config,
        ServerObserver* observer)
      : context{std::make_shared<ServerContext>(io, handler, log, config, observer)},
        timer{io},
        backlog_timer{io} {
    context->connection_closed = [this] { connection_closed(); };
    context->hand_over = [this](HandedConnection connection) { give_away(std::move(connection)); };
  }

  [[nodiscard]] bool full() const {
    return context->connections.size() >= context->config.max_connections;
  }
  bool adopt(UniqueFd socket, HandedConnection before = {});  // false: it was dropped
  void adopt(HandedConnection connection);
  void take(UniqueFd newcomer);
  void give_away(HandedConnection connection);
  void empty_backlog();
  [[nodiscard]] std::vector<std::shared_ptr<HttpConnection>> all_connections() const;
  void drain_connections() const;
  void tell_if_drained();
  void connection_closed();
  void dropped(const std::exception& error) const;
  void schedule_sweep();
  void sweep();
  void resume_listeners();

  std::shared_ptr<ServerContext> context;
  boost::asio::steady_timer timer;
  boost::asio::steady_timer backlog_timer;  // while the backlog is emptied
  std::vector<std::unique_ptr<Listener>> listeners;
  std::function<bool()> may_accept;
  std::function<void()> drained;
  HandOver hand_over;
  std::function<void()> look;
  bool sweeping = false;
};

void Server::State::dropped(const std::exception& error) const {
  context->log.error(
      std::string{"a connection was dropped: "} + error.what() +
      "; if memory or descriptors are short, lower --max-connections or raise their limits");
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

// The timer runs only while there are connections: an idle server causes no wake-up.
void Server::State::schedule_sweep() {
  if (sweeping || context->connections.empty()) return;
  sweeping = true;
  timer.expires_after(kSweep);
  timer.async_wait([self = shared_from_this()](boost::system::error_code error) {
    self->sweeping = false;
    if (error) return;
    self->sweep();
    if (self->look) self->look();
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

Server::Server(IoContext& context, Handler& handler, const Log& log, HttpConfig config,
               ServerObserver* observer)
    : state_{std::make_shared<State>(context, handler, log, config, observer)} {}

Server::~Server() {
  state_->listeners.clear();
  state_->drained = nullptr;
  state_->timer.cancel();
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

void Server::listen(UniqueFd socket) {
  ListenerOptions options;
  options.may_accept = [state = state_.get()] {
    if (state->context->draining) return true;
    return !state->full() && (!state->may_accept || state->may_accept());
  };
  state_->listeners.push_back(std::make_unique<Listener>(
      state_->context->io, std::move(socket),
      [state = state_.get()](UniqueFd connection) { state->take(std::move(connection)); },
      std::move(options)));
}

void Server::adopt(UniqueFd socket) { state_->adopt(non_blocking(std::move(socket))); }

void Server::adopt(HandedConnection connection) { state_->adopt(std::move(connection)); }

void Server::accept_while(std::function<bool()> predicate) {
  state_->may_accept = std::move(predicate);
}

void Server::accept_again() { state_->resume_listeners(); }

void Server::announce_close() { state_->context->closing = true; }

void Server::drain(std::function<void()> drained, HandOver hand_over) {
  state_->context->draining = true;
  state_->context->closing = !hand_over;
  state_->drained = std::move(drained);
  state_->hand_over = std::move(hand_over);
  if (state_->hand_over) {
    state_->listeners.clear();
  } else {
    state_->empty_backlog();
  }
  state_->drain_connections();
  state_->tell_if_drained();
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

void Server::on_sweep(std::function<void()> look) { state_->look = std::move(look); }

void Server::each_running(const std::function<void(const RunningRequest&)>& visit) const {
  const auto now = std::chrono::steady_clock::now();
  const auto show = [&visit, now](const HttpConnection& connection) {
    if (const auto request = connection.running(now)) visit(*request);
  };
  for (const auto& connection : state_->context->connections) show(*connection);
  for (const auto& closed : state_->context->closed_under_way) {
    if (const auto connection = closed.lock()) show(*connection);
  }
}

std::size_t Server::connections() const { return state_->context->connections.size(); }

}  // namespace spawning
