// SPDX-License-Identifier: MIT
#include "spawning/control_channel.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <deque>
#include <optional>
#include <stdexcept>
#include <string>

#include "spawning/error.hpp"

// On the wire a message is its line and a newline. A stream does not tell with which octets
// descriptors came, so a message that carries some says how many: it is preceded by kCarries and
// '0' + count.

namespace spawning {
namespace {

constexpr std::size_t kLongestLine = 1 << 20;
constexpr std::size_t kMostDescriptors = ControlChannel::kMostDescriptors;
constexpr std::size_t kReadOctets = 16 << 10;
// While too many descriptors of this user are on their way (ETOOMANYREFS in unix(7)): nothing tells
// when there are fewer.
constexpr std::chrono::milliseconds kCrowdedPause{5};
constexpr char kCarries = '\x01';  // never the first octet of JSON

struct ControlData {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMostDescriptors)> octets;
};

struct Outgoing {
  std::string wire;
  std::size_t sent = 0;
  std::vector<int> borrowed;    // the caller's, while send() runs
  std::vector<UniqueFd> owned;  // ours, or duplicates, once the message has to wait
};

// One sendmsg(2). The descriptors travel with the first octet.
ssize_t transmit(int socket, const Outgoing& message) {
  iovec piece{const_cast<char*>(message.wire.data()) + message.sent,
              message.wire.size() - message.sent};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  std::vector<int> descriptors = message.borrowed;
  for (const UniqueFd& fd : message.owned) descriptors.push_back(fd.get());
  ControlData control{};
  if (message.sent == 0 && !descriptors.empty()) {
    const std::size_t length = sizeof(int) * descriptors.size();
    header.msg_control = control.octets.data();
    header.msg_controllen = CMSG_SPACE(length);
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(length);
    std::memcpy(CMSG_DATA(rights), descriptors.data(), length);
  }
  ssize_t count = 0;
  do {
    count = ::sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (count < 0 && errno == EINTR);
  return count;
}

std::string to_wire(std::string_view line, std::size_t descriptors) {
  if (line.size() > kLongestLine - 2 || descriptors > kMostDescriptors)
    throw std::length_error{"a control message is too long or carries too many descriptors"};
  if (line.starts_with(kCarries) || line.find('\n') != std::string_view::npos)
    throw std::invalid_argument{"a control message is one line of text"};
  std::string wire;
  if (descriptors > 0) wire = {kCarries, static_cast<char>('0' + descriptors)};
  return wire.append(line) + '\n';
}

void take_descriptors(msghdr& header, std::deque<UniqueFd>& into) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
      into.emplace_back(fd);
    }
  }
}

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
    input = remains.input;
    for (int fd : remains.descriptors) descriptors.emplace_back(fd);
    for (const Remains::Message& message : remains.unsent) {
      outgoing.push_back({message.wire, message.sent, {}, {}});
      for (int fd : message.descriptors) outgoing.back().owned.emplace_back(fd);
    }
    if (!outgoing.empty()) await_writable();
  }

  [[nodiscard]] Remains remains() {
    Remains remains;
    if (!open) return remains;
    remains.socket = descriptor.native_handle();
    remains.input = input;
    for (const UniqueFd& fd : descriptors) remains.descriptors.push_back(fd.get());
    for (const Outgoing& message : outgoing) {
      remains.unsent.push_back({message.wire, message.sent, {}});
      for (const UniqueFd& fd : message.owned)
        remains.unsent.back().descriptors.push_back(fd.get());
    }
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
      const std::optional<bool> more = receive_some();
      if (more && !*more) return true;
      if (!more || !dispatch_lines()) {
        close();
        return false;
      }
    }
    return false;
  }

  // True if octets came, false if there are none now, empty if there will be none any more.
  std::optional<bool> receive_some() {
    std::array<char, kReadOctets>
        octets;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by recvmsg
    iovec piece{octets.data(), octets.size()};
    ControlData control{};
    msghdr header{};
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    header.msg_control = control.octets.data();
    header.msg_controllen = control.octets.size();
    const ssize_t count =
        ::recvmsg(descriptor.native_handle(), &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) return true;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
    if (count <= 0) return std::nullopt;
    const std::size_t before = descriptors.size();
    take_descriptors(header, descriptors);
    input.append(octets.data(), static_cast<std::size_t>(count));
    if ((header.msg_flags & MSG_CTRUNC) != 0 && !stand_in(descriptors.size() - before))
      return std::nullopt;
    return true;
  }

  // This process has room for only `got` of those that came: puts empty ones in place of the rest.
  // They belong to the line that is last in `input`, because recvmsg(2) ends with what they came
  // with. False if that line expects none.
  bool stand_in(std::size_t got) {
    if (input.size() < 2) return false;
    const std::size_t newline = input.rfind('\n', input.size() - 2);
    const std::size_t line = newline == std::string::npos ? 0 : newline + 1;
    if (input[line] != kCarries) return false;
    const auto count = static_cast<std::size_t>(input[line + 1] - '0');
    if (count > kMostDescriptors || count < got) return false;
    descriptors.resize(descriptors.size() + count - got);
    return true;
  }

  // False if the other end does not keep to the protocol.
  bool dispatch_lines() {
    std::size_t begin = 0;
    for (std::size_t end = 0;
         (end = input.find('\n', std::max(begin, searched))) != std::string::npos;) {
      if (end - begin > kLongestLine) return false;
      if (!dispatch(std::string_view{input}.substr(begin, end - begin))) return false;
      if (!open) return true;
      begin = end + 1;
    }
    input.erase(0, begin);
    searched = input.size();
    return input.size() <= kLongestLine;
  }

  bool dispatch(std::string_view line) {
    std::vector<UniqueFd> taken;
    if (line.starts_with(kCarries)) {
      const std::size_t count = line.size() < 2 ? 0 : static_cast<std::size_t>(line[1] - '0');
      if (count == 0 || count > kMostDescriptors || count > descriptors.size()) return false;
      for (std::size_t i = 0; i < count; ++i) {
        taken.push_back(std::move(descriptors.front()));
        descriptors.pop_front();
      }
      line.remove_prefix(2);
    }
    callbacks.message(line, std::move(taken));
    return true;
  }

  void send(Outgoing message) {
    if (!sendable) return;
    if (outgoing.empty() && !send_now(message)) return;
    if (message.sent == message.wire.size()) return;
    if (message.sent == 0) duplicate(message);
    message.borrowed.clear();
    outgoing.push_back(std::move(message));
    if (outgoing.size() == 1) await_writable();
  }

  // Sends as much as the socket takes. False if it never will again; the reading side sees why.
  bool send_now(Outgoing& message) {
    while (message.sent < message.wire.size()) {
      const ssize_t count = transmit(descriptor.native_handle(), message);
      crowded = count < 0 && errno == ETOOMANYREFS;
      if (crowded || (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))) return true;
      if (count < 0) {
        sendable = false;
        outgoing.clear();
        tell_sent();
        return false;
      }
      message.sent += static_cast<std::size_t>(count);
    }
    return true;
  }

  static void duplicate(Outgoing& message) {
    for (int fd : message.borrowed) {
      UniqueFd copy{::fcntl(fd, F_DUPFD_CLOEXEC, 0)};
      if (!copy) throw_last_error("fcntl(F_DUPFD_CLOEXEC)");
      message.owned.push_back(std::move(copy));
    }
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
      if (outgoing.front().sent < outgoing.front().wire.size()) return await_writable();
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
  std::string input;
  std::size_t searched = 0;  // of `input`, known to be without a newline
  std::deque<UniqueFd> descriptors;
  std::deque<Outgoing> outgoing;
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
  Outgoing message;
  message.wire = to_wire(line, descriptors.size());
  message.borrowed.assign(descriptors.begin(), descriptors.end());
  state_->send(std::move(message));
}

void ControlChannel::send(std::string_view line, std::vector<UniqueFd> descriptors) {
  Outgoing message;
  message.wire = to_wire(line, descriptors.size());
  message.owned = std::move(descriptors);
  state_->send(std::move(message));
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
