// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The HTTP server of one process.

#include <cstddef>
#include <functional>
#include <memory>

#include "spawning/asio.hpp"
#include "spawning/config.hpp"
#include "spawning/exchange.hpp"
#include "spawning/handler.hpp"
#include "spawning/log.hpp"
#include "spawning/unique_fd.hpp"

namespace spawning {

/// Accepts connections, speaks HTTP/1.1 and HTTP/1.0 on each, and gives every complete request to a
/// Handler. Slow clients cost a file descriptor and a little memory, never a thread.
///
/// \par Threads   Every member, the destructor included, runs on the thread that runs the context.
///                Responders may be used on any thread and may outlive the Server: they report
///                `gone`.
/// \par Lifetime  `context`, `handler`, `log` and the observer outlive the Server and its Responders.
class Server {
 public:
  Server(IoContext& context, Handler& handler, const Log& log, HttpConfig config = {},
         ServerObserver* observer = nullptr);
  ~Server();

  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Starts accepting on `socket`, which may be shared with other processes. May be called
  /// repeatedly. \throws std::system_error if it is not a listening socket.
  void listen(UniqueFd socket);

  /// Serves one connection that came by another way than listen().
  void adopt(StreamSocket socket);

  /// Asked before each accept; while it answers false new connections stay in the kernel's backlog,
  /// where siblings can take them. After false, call accept_again() once it may answer true.
  void accept_while(std::function<bool()> predicate);
  void accept_again();

  /// Stops accepting, closes idle connections, lets requests finish with `Connection: close` in
  /// their answers, and calls `drained` (never from inside this call) when no connection is left.
  void drain(std::function<void()> drained);

  [[nodiscard]] std::size_t connections() const;

  /// Shows every request on which somebody works, also for a client that has gone.
  void each_running(const std::function<void(const RunningRequest&)>& visit) const;

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with connections whose Responders are still out
};

}  // namespace spawning
