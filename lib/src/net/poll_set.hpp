// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Sockets that an event loop watches together.

#include <cstdint>
#include <functional>
#include <memory>

#include "spawning/asio.hpp"

namespace spawning {

/// Watches sockets as one: however many are ready, the loop wakes up once and the kernel is asked
/// once for who they are. Nothing is asked of it between two requests on a connection.
///
/// Asio, which watches each socket by itself, takes a system call more for each read: one that finds
/// nothing, or one that says that it waits.
///
/// \par Threads   The one that runs the context.
/// \par Lifetime  The context outlives it. A Socket is removed before it ends or its descriptor is
///                closed, which may be from inside any ready().
/// \see epoll(7), EPOLLET
class PollSet {
 public:
  /// What has happened to a socket since that was last said. There may be more to it than is said.
  struct Events {
    bool input = false;  ///< octets have come, or their end
    /// A read may stop short of something: the end, a break of the connection, or urgent octets.
    bool broken_up = false;
    bool output = false;  ///< there is room for octets again, or it is broken; \see await_output()
  };

  /// Who uses a socket in the set.
  class Socket {
   public:
    virtual ~Socket() = default;
    virtual void ready(Events events) = 0;

   private:
    friend class PollSet;
    bool due_ = false;  // it is to be looked at again
  };

  /// \throws std::system_error
  explicit PollSet(IoContext& context);
  ~PollSet();

  PollSet(const PollSet&) = delete;
  PollSet& operator=(const PollSet&) = delete;

  /// What is there already is said soon, but not from inside this call. \throws std::system_error
  void add(int fd, Socket& socket);
  void remove(int fd, Socket& socket);

  /// It did not take all octets: says when there is room again. \throws std::system_error
  void await_output(int fd, Socket& socket);

  /// Calls `pause` after sockets have been ready, and when none is known to be any more. It may block for a
  /// moment, so that several are ready then. Not from inside any ready().
  void between_turns(std::function<void()> pause);

  /// Calls ready() once more, without an event, when the others have had their turn: once, however
  /// often it is asked for before.
  void look_again(Socket& socket);

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with the pending wait, which may outlive *this
};

}  // namespace spawning
