// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Accepting connections on a listening socket that this process may share with its siblings.

#include <chrono>
#include <functional>
#include <memory>

#include "spawning/asio.hpp"
#include "spawning/export.hpp"
#include "spawning/unique_fd.hpp"

namespace SPAWNING_EXPORT spawning {

/// How a Listener behaves under pressure.
struct ListenerOptions {
  /// Pause after the process or the system runs out of descriptors or buffers.
  std::chrono::milliseconds exhaustion_pause{100};
  /// Connections taken per wake-up before other events, and siblings, have their turn.
  unsigned accepts_per_wakeup = 8;
  /// Asked before each accept; false has the effect of pause(). Unset: always true.
  std::function<bool()> may_accept{};
};

/// Accepts connections on one listening socket and gives each of them to a sink.
///
/// Sibling processes usually share the socket, so a wake-up that finds nothing to accept is normal
/// and silent. On EMFILE, ENFILE, ENOBUFS or ENOMEM the Listener waits `exhaustion_pause` and tries
/// again; clients wait in the kernel backlog meanwhile. Any other failure concerns only the
/// connection that caused it and is skipped.
///
/// \par Threads    Every member, and the sink, runs on the thread that runs the context.
/// \par Lifetime   The context must outlive the Listener. Once the destructor has begun the sink is
///                 not called again; connections already handed over are unaffected. The destructor
///                 closes this process's copy of the descriptor and nothing more: siblings go on
///                 accepting.
/// \see accept(2), section "Error handling".
class Listener {
 public:
  using Sink = std::function<void(UniqueFd)>;  ///< given a connected, non-blocking socket

  /// Adopts `socket` and starts accepting.
  /// \param socket  bound, listening, any address family; made non-blocking here.
  /// \throws std::system_error if `socket` cannot be adopted (a start-up mistake, not traffic).
  Listener(IoContext& context, UniqueFd socket, Sink sink, ListenerOptions options = {});
  ~Listener();

  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// Leaves new connections in the kernel backlog until resume(). Idempotent; from inside the sink
  /// too.
  void pause();

  /// Undoes pause(), also one that has not taken effect yet. Idempotent.
  void resume();

  /// Leaves new connections in the backlog for `exhaustion_pause`, as if there were no descriptors:
  /// what the sink was given could not be served for want of something. From inside the sink too.
  void rest();

  /// Takes everybody who waits in the backlog, from inside this call and whatever
  /// ListenerOptions::may_accept says. Not from inside the sink.
  /// \returns false if descriptors ran out before.
  [[nodiscard]] bool accept_all();

 private:
  struct SPAWNING_PRIVATE State;
  std::shared_ptr<State> state_;  // shared with the pending wait, which may outlive *this
};

}  // namespace spawning
