// SPDX-License-Identifier: MIT
#include "spawning/control_channel.hpp"

#include <sys/socket.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <deque>
#include <optional>
#include <utility>

#include "control/wire.hpp"
#include "spawning/error.hpp"

namespace spawning {
namespace {

using control::IncomingLines, control::OutgoingMessage;

// While too many descriptors of this user are on their way (ETOOMANYREFS in unix(7)): nothing tells
// when there are fewer.
constexpr std::chrono::milliseconds kCrowdedPause{5};

}  // namespace

struct ControlChannel::State : std::enable_shared_from_this<State> {
  State(IoContext& context, UniqueFd socket, Callbacks user)
      : descriptor{context}, crowded_timer{context}, callbacks{std::move(user)} {
    descriptor.assign(socket.get());
    static_cast<void>(socket.release());  // `descriptor` owns it now
    descriptor.non_blocking(true);
  }

  // One that is closed.
  State(IoContext& context, Callbacks user)
      : descriptor{context},
        crowded_timer{context},
        callbacks{std::move(user)},
        open{false},
        sendable{false} {}

  void take_over(const Remains& remains) {
    incoming = IncomingLines{remains.input, remains.descriptors};
    for (const Remains::Message& message : remains.unsent) outgoing.emplace_back(message);
    if (!outgoing.empty()) await_writable();
  }

  [[nodiscard]] Remains remains() {
    Remains remains;
    if (!open) return remains;
    remains.socket = descriptor.native_handle();
    remains.input = incoming.input();
    remains.descriptors = incoming.descriptors();
    for (const OutgoingMessage& message : outgoing) remains.unsent.push_back(message.remains());
    return remains;
  }

  void await_readable() {
    descriptor.async_wait(descriptor.wait_read, [self = shared_from_this()](auto error) {
      if (!error && self->open) self->receive();
    });
  }

  void receive() {
    if (receive_all()) await_readable();
  }

  // Everything that is there. False if the channel is closed afterwards.
  bool receive_all() {
    while (open) {
      const std::optional<bool> more = incoming.receive(descriptor.native_handle());
      if (more && !*more) return true;
      if (!more || !deliver()) {
        close();
        return false;
      }
    }
    return false;
  }

  // False if the other end does not keep to the protocol.
  bool deliver() {
    return incoming.deliver([this](std::string_view line, std::vector<UniqueFd> descriptors) {
      callbacks.message(line, std::move(descriptors));
      return open;
    });
  }

  void send(OutgoingMessage message) {
    if (!sendable) return;
    if (outgoing.empty() && !send_now(message)) return;
    if (message.is_sent()) return;
    message.keep();
    outgoing.push_back(std::move(message));
    if (outgoing.size() == 1) await_writable();
  }

  // Sends as much as the socket takes. False if it never will again; the reading side sees why.
  bool send_now(OutgoingMessage& message) {
    while (!message.is_sent()) {
      const ssize_t count = message.transmit(descriptor.native_handle());
      crowded = count < 0 && errno == ETOOMANYREFS;
      if (crowded || (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))) return true;
      if (count < 0) {
        sendable = false;
        outgoing.clear();
        tell_sent();
        return false;
      }
    }
    return true;
  }

  void await_writable() {
    if (crowded) {
      crowded_timer.expires_after(kCrowdedPause);
      return crowded_timer.async_wait([self = shared_from_this()](auto error) {
        if (!error && self->open) self->flush();
      });
    }
    descriptor.async_wait(descriptor.wait_write, [self = shared_from_this()](auto error) {
      if (!error && self->open) self->flush();
    });
  }

  void flush() {
    while (!outgoing.empty()) {
      if (!send_now(outgoing.front())) return;
      if (!outgoing.front().is_sent()) return await_writable();
      outgoing.pop_front();
    }
    tell_sent();
  }

  void tell_sent() {
    if (sent) boost::asio::post(descriptor.get_executor(), std::exchange(sent, nullptr));
  }

  void shut() {
    open = sendable = false;
    crowded_timer.cancel();
    outgoing.clear();
    boost::system::error_code ignored;  // close(2) frees the descriptor whatever it says
    descriptor.close(ignored);
  }

  void close() {
    shut();
    tell_sent();
    callbacks.closed();
  }

  boost::asio::posix::stream_descriptor descriptor;
  boost::asio::steady_timer crowded_timer;
  Callbacks callbacks;
  bool open = true;
  bool sendable = true;
  bool crowded = false;  // the last attempt met too many descriptors on their way
  std::function<void()> sent;
  IncomingLines incoming;
  std::deque<OutgoingMessage> outgoing;
};

ControlChannel::ControlChannel(IoContext& context, UniqueFd socket, Callbacks callbacks)
    : state_{std::make_shared<State>(context, std::move(socket), std::move(callbacks))} {
  state_->await_readable();
}

ControlChannel::ControlChannel(IoContext& context, const Remains& remains, Callbacks callbacks) {
  if (remains.socket < 0) {
    state_ = std::make_shared<State>(context, std::move(callbacks));
    return;
  }
  state_ = std::make_shared<State>(context, UniqueFd{remains.socket}, std::move(callbacks));
  state_->take_over(remains);
  state_->await_readable();
}

ControlChannel::~ControlChannel() {
  if (state_->open) state_->shut();
}

void ControlChannel::send(std::string_view line, std::span<const int> descriptors) {
  state_->send(OutgoingMessage{line, descriptors});
}

void ControlChannel::send(std::string_view line, std::vector<UniqueFd> descriptors) {
  state_->send(OutgoingMessage{line, std::move(descriptors)});
}

void ControlChannel::when_sent(std::function<void()> callback) {
  state_->sent = std::move(callback);
  if (state_->outgoing.empty()) state_->tell_sent();
}

ControlChannel::Remains ControlChannel::remains() const { return state_->remains(); }

void ControlChannel::receive_now() {
  const std::shared_ptr<State> state = state_;  // a callback may destroy *this
  state->receive_all();
}

std::pair<UniqueFd, UniqueFd> ControlChannel::make_pair() {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw_last_error("socketpair");
  return {UniqueFd{ends[0]}, UniqueFd{ends[1]}};
}

}  // namespace spawning
