// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The HTTP server of one process.

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "spawning/asio.hpp"
#include "spawning/config.hpp"
#include "spawning/exchange.hpp"
#include "spawning/export.hpp"
#include "spawning/handler.hpp"
#include "spawning/listening_socket.hpp"
#include "spawning/log.hpp"
#include "spawning/request.hpp"
#include "spawning/unique_fd.hpp"

namespace SPAWNING_EXPORT spawning {

/// A connection on its way from one Server to another: between two requests, or with one on which
/// nobody has begun to work. What its client has sent meanwhile is in the kernel and goes along.
struct HandedConnection {
  static constexpr std::size_t kMostOctets = 32 << 10;

  UniqueFd socket{};
  std::size_t requests = 0;                 ///< that it has served; HttpConfig::keep_alive_requests
  std::optional<ConnectionInfo> proxied{};  ///< its ends, where a PROXY header has named them
  std::string octets{};  ///< read already: a request, and what has come behind it
  unsigned moves = 0;    ///< that the request in `octets` has made, this one included
};

/// Accepts connections, speaks HTTP/1.1 and HTTP/1.0 on each, and gives every complete request to a
/// Handler. Slow clients cost a file descriptor and a little memory, never a thread.
///
/// It keeps the context running until it has been drained, and so does each of its connections.
///
/// \par Threads   Every member but stop(), the destructor included, runs on the thread that runs the
///                context. Responders may be used on any thread and may outlive the Server: they report
///                `gone`.
/// \par Lifetime  `context`, `handler`, `log` and the observer outlive the Server and its Responders.
class Server {
 public:
  Server(IoContext& context, Handler& handler, const Log& log, HttpConfig config = {},
         ServerObserver* observer = nullptr);
  ~Server();

  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Starts accepting on `socket`, as bind_listener() makes it. Once the Server drains nobody new gets
  /// into its backlog, and then it is closed; a UNIX socket's file goes with it. May be called
  /// repeatedly. \throws std::system_error if there is no descriptor left.
  void listen(ListeningSocket socket);

  /// As above, on one whose owner is somebody else, who may share it with other processes.
  /// \throws std::system_error if it is not a listening socket.
  void listen(UniqueFd socket);

  /// Runs the context until the Server has been stopped: by stop(), or by SIGINT or SIGTERM, which do
  /// nothing else while it runs. A second signal, half a second later or more, loses the requests that
  /// are left, and so does `patience`; the log says how many clients that are, and names what somebody
  /// works on since Responder::begin(). For a program of which this is all; a context that somebody
  /// else runs will do as well.
  /// \param patience  for running requests, after a signal.
  void run(std::chrono::milliseconds patience = std::chrono::seconds{10});

  /// Drains without a successor, for as long as `patience` lets it, and then stops the context, so
  /// that whoever runs it goes on. Again: as the last call says.
  /// \par Threads  Any, while the Server is there.
  void stop(std::chrono::milliseconds patience = std::chrono::seconds{10});

  /// Serves one connection that came by another way than listen(). \throws std::system_error if it is
  /// no descriptor.
  void adopt(UniqueFd socket);

  /// Goes on with one that another Server has given away. One too many is not refused; accepting
  /// waits until there is room again.
  void adopt(HandedConnection connection);

  /// Asked before each accept; while it answers false new connections stay in the kernel's backlog,
  /// where siblings can take them. After false, call accept_again() once it may answer true.
  void accept_while(std::function<bool()> predicate);
  void accept_again();

  /// Takes a connection, by moving from it, and returns true; or leaves it as it is and returns
  /// false: nobody will take one any more.
  using HandOver = std::function<bool(HandedConnection&)>;

  /// Goes on, but answers say `Connection: close` from here on: whoever sends requests shall have
  /// found another server by the time this one drains.
  void announce_close();

  /// Stops accepting, lets requests finish, and calls `drained` (never from inside this call) when
  /// no connection is left; a context that has nothing else to do runs out of work then.
  ///
  /// With `hand_over` each connection is given away as soon as nothing of a request is here: idle
  /// ones at once, busy ones behind their answers, in which nothing is announced. Who waits in the
  /// backlog is left to siblings.
  ///
  /// Without it, or once it has returned false, there are none. Everybody in the backlog is
  /// accepted, and so is who gets into it within a tenth of a second, of which the socket's owner lets
  /// come nobody new; \see ListeningSocket::turn_newcomers_away. Idle connections are closed, those that have
  /// not sent their first request yet after half a second; answers say `Connection: close`.
  ///
  /// Called again it replaces both arguments.
  /// \param hand_over  called on the I/O thread, also from inside this call.
  void drain(std::function<void()> drained = nullptr, HandOver hand_over = nullptr);

  /// Who takes the connections that leave although this server does not drain: for move_away() and
  /// Exchange::pass_on(). Those that nobody takes are served here.
  void hand_over_to(HandOver taker);

  /// Lets up to `most` idle connections leave. \returns how many did.
  std::size_t move_away(std::size_t most);

  /// Calls `pause` after something has come from clients, before it is waited for more. It may block for
  /// a moment, so that more comes at a time: \see WorkerPool::wait_for_room. Responses that are given
  /// meanwhile are sent together when it returns.
  void between_turns(std::function<void()> pause);

  /// Calls `look` about five times a second while there are connections, and while it returns true.
  void on_sweep(std::function<bool()> look);

  [[nodiscard]] std::size_t connections() const;

  /// Shows every request on which somebody works, also for a client that has gone.
  void each_running(const std::function<void(const RunningRequest&)>& visit) const;

 private:
  struct SPAWNING_PRIVATE State;
  std::shared_ptr<State> state_;  // shared with connections whose Responders are still out
};

}  // namespace spawning
