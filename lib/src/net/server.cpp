// SPDX-License-Identifier: MIT
#include "spawning/server.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "net/http_connection.hpp"
#include "net/server_context.hpp"
#include "spawning/listener.hpp"

namespace spawning {
namespace {

// How late a deadline may be met.
constexpr std::chrono::milliseconds kSweep{200};

}  // namespace

struct Server::State : std::enable_shared_from_this<State> {
  State(IoContext& io, Handler& handler, const Log& log, const HttpConfig& config,
        ServerObserver* observer)
      : context{std::make_shared<ServerContext>(io, handler, log, config, observer)}, timer{io} {
    context->connection_closed = [this] { connection_closed(); };
  }

  [[nodiscard]] bool full() const {
    return context->connections.size() >= context->config.max_connections;
  }
  void adopt(StreamSocket socket);
  void connection_closed();
  void schedule_sweep();
  void sweep();
  void resume_listeners();

  std::shared_ptr<ServerContext> context;
  boost::asio::steady_timer timer;
  std::vector<std::unique_ptr<Listener>> listeners;
  std::function<bool()> may_accept;
  std::function<void()> drained;
  bool sweeping = false;
};

void Server::State::adopt(StreamSocket socket) {
  try {
    std::make_shared<HttpConnection>(context, std::move(socket))->start();
  } catch (const std::exception& error) {  // out of memory, or its addresses cannot be told
    return context->log.error(std::string{"a connection was dropped: "} + error.what());
  }
  schedule_sweep();
}

void Server::State::connection_closed() {
  if (drained) {
    if (context->connections.empty())
      boost::asio::post(context->io, std::exchange(drained, nullptr));
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
    self->schedule_sweep();
  });
}

void Server::State::sweep() {
  context->deadlines.sweep(
      std::chrono::steady_clock::now(), [](Deadlines::Node& node, Deadlines::Kind kind) {
        HttpConnection& connection = static_cast<HttpConnection::Deadline&>(node).owner;
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
  state_->context->connection_closed = [] {};
  auto& connections = state_->context->connections;
  while (!connections.empty()) {
    const auto alive = connections.front()->shared_from_this();
    alive->close();
  }
}

void Server::listen(UniqueFd socket) {
  ListenerOptions options;
  options.may_accept = [state = state_.get()] {
    return !state->full() && (!state->may_accept || state->may_accept());
  };
  state_->listeners.push_back(std::make_unique<Listener>(
      state_->context->io, std::move(socket),
      [state = state_.get()](StreamSocket connection) { state->adopt(std::move(connection)); },
      std::move(options)));
}

void Server::adopt(StreamSocket socket) { state_->adopt(std::move(socket)); }

void Server::accept_while(std::function<bool()> predicate) {
  state_->may_accept = std::move(predicate);
}

void Server::accept_again() { state_->resume_listeners(); }

void Server::drain(std::function<void()> drained) {
  state_->listeners.clear();
  state_->context->draining = true;
  state_->drained = std::move(drained);
  std::vector<std::shared_ptr<HttpConnection>> connections;
  for (auto* connection : state_->context->connections)
    connections.push_back(connection->shared_from_this());
  for (const auto& connection : connections) connection->drain();
  if (state_->context->connections.empty() && state_->drained) {
    boost::asio::post(state_->context->io, std::exchange(state_->drained, nullptr));
  }
}

void Server::each_running(const std::function<void(const RunningRequest&)>& visit) const {
  const auto now = std::chrono::steady_clock::now();
  const auto show = [&visit, now](const HttpConnection& connection) {
    if (const auto request = connection.running(now)) visit(*request);
  };
  for (const HttpConnection* connection : state_->context->connections) show(*connection);
  for (const auto& closed : state_->context->closed_under_way) {
    if (const auto connection = closed.lock()) show(*connection);
  }
}

std::size_t Server::connections() const { return state_->context->connections.size(); }

}  // namespace spawning
