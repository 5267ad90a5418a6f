// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What a Server is made of.

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "net/http_connection.hpp"
#include "net/server_context.hpp"
#include "spawning/listener.hpp"
#include "spawning/listening_socket.hpp"
#include "spawning/server.hpp"

namespace spawning {

struct Server::State : std::enable_shared_from_this<State> {
  State(IoContext& io, Handler& handler, const Log& log, const HttpConfig& config,
        ServerObserver* observer)
      : context{std::make_shared<ServerContext>(io, handler, log, config, observer)},
        timer{io},
        backlog_timer{io},
        patience{io} {
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
  void listen(UniqueFd socket);
  void turn_newcomers_away();
  void empty_backlog();
  [[nodiscard]] std::vector<std::shared_ptr<HttpConnection>> all_connections() const;
  void drain_connections() const;
  void drain(std::function<void()> when_drained, HandOver taker);
  void tell_if_drained();
  void connection_closed();
  void dropped(const std::exception& error) const;
  void schedule_sweep();
  void sweep();
  void resume_listeners();
  void each_running(const std::function<void(const RunningRequest&)>& visit) const;
  void stop(std::chrono::milliseconds most);
  void give_up();

  std::shared_ptr<ServerContext> context;
  boost::asio::steady_timer timer;
  boost::asio::steady_timer backlog_timer;  // while the backlog is emptied
  boost::asio::steady_timer patience;       // while it stops
  std::vector<std::unique_ptr<Listener>> listeners;
  std::vector<ListeningSocket> sockets;  // that are ours, beside the listeners' copies
  std::function<bool()> may_accept;
  std::function<void()> drained;
  HandOver hand_over;
  std::function<bool()> look;
  bool look_again = false;  // also without connections
  bool sweeping = false;
  bool ended = false;  // the Server has, and what was on its way to it counts no more
};

}  // namespace spawning
