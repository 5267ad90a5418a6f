// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Messages between a supervisor and a worker: lines of JSON over a socketpair, with descriptors if
/// need be.

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "spawning/asio.hpp"
#include "spawning/export.hpp"
#include "spawning/unique_fd.hpp"

namespace SPAWNING_EXPORT spawning {

/// One end of a control channel; the same class at both ends.
///
/// A message is one line, at most 1 MiB, without a newline in it; what it says is the users'
/// business (JSON by convention, which never contains a bare newline). Descriptors sent with a
/// message arrive with it, close-on-exec; those that the receiving process has no room for (EMFILE)
/// arrive as empty ones. The order of messages is kept. The other end's death,
/// orderly or not, is the `closed` event, after every message that it had sent; so is a line that
/// is too long.
///
/// \par Threads   Everything runs on the thread that runs the context.
/// \par Lifetime  The context outlives the channel. Once the destructor has begun no callback is
///                called; a callback may destroy the channel.
/// \see unix(7), SCM_RIGHTS
class ControlChannel {
 public:
  struct Callbacks {
    std::function<void(std::string_view line, std::vector<UniqueFd> descriptors)> message;
    std::function<void()> closed;  ///< once
  };

  /// A channel without its Callbacks: its descriptors by number, and what was on its way.
  struct Remains {
    struct Message {
      std::string wire{};
      std::size_t sent = 0;            ///< octets of `wire`
      std::vector<int> descriptors{};  ///< to go with the first one
    };

    int socket = -1;                 ///< -1: it is closed
    std::string input{};             ///< the beginning of a line
    std::vector<int> descriptors{};  ///< that came for it, and for others; -1: \see ControlChannel
    std::vector<Message> unsent{};
  };

  /// Adopts one end of a socketpair(AF_UNIX, SOCK_STREAM). Callbacks are never called from inside (nor by send()).
  ControlChannel(IoContext& context, UniqueFd socket, Callbacks callbacks);
  /// Goes on with what another channel, in the program that this process ran before, has left; its
  /// descriptors, close-on-exec again, are adopted. One that was closed stays so, and is silent.
  ControlChannel(IoContext& context, const Remains& remains, Callbacks callbacks);
  ~ControlChannel();

  ControlChannel(const ControlChannel&) = delete;
  ControlChannel& operator=(const ControlChannel&) = delete;

  /// Queues a message; never blocks. After `closed` it does nothing.
  /// \param descriptors  duplicated by the kernel; the caller keeps its own. At most
  ///                     kMostDescriptors.
  void send(std::string_view line, std::span<const int> descriptors = {});

  /// As above; the descriptors are the channel's, and closed when they are sent or cannot be.
  void send(std::string_view line, std::vector<UniqueFd> descriptors);

  /// Calls `callback` once, never from inside this call, when everything sent so far is with the
  /// kernel, so that it arrives even if this process ends; or when the channel is closed.
  void when_sent(std::function<void()> callback);

  /// A message carries at most so many descriptors.
  static constexpr std::size_t kMostDescriptors = 64;

  /// What execve(2) would leave of it, if the descriptors stay open. It keeps them, and may go on.
  /// Not from a callback.
  [[nodiscard]] Remains remains() const;

  /// Delivers what has arrived by now from inside this call: last words, when the other end is known to
  /// be dead by other means. Not from a callback.
  void receive_now();

  /// A connected pair, both ends close-on-exec. \throws std::system_error
  [[nodiscard]] static std::pair<UniqueFd, UniqueFd> make_pair();

 private:
  struct SPAWNING_PRIVATE State;
  std::shared_ptr<State> state_;
};

}  // namespace spawning
