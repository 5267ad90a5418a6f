// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The messages of a ControlChannel on its socket: lines, and the descriptors that come with them.
///
/// On the wire a message is its line and a newline. A stream does not tell with which octets
/// descriptors came, so a message that carries some says how many: it is preceded by an octet that
/// is never the first one of JSON, and '0' + count.

#include <sys/types.h>

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "spawning/control_channel.hpp"
#include "spawning/unique_fd.hpp"

namespace spawning::control {

/// A message that is being sent.
class OutgoingMessage {
 public:
  /// \param descriptors  the caller's; borrowed until keep() or the end.
  /// \throws std::length_error, std::invalid_argument if `line` cannot be one.
  OutgoingMessage(std::string_view line, std::span<const int> descriptors);
  OutgoingMessage(std::string_view line, std::vector<UniqueFd> descriptors);

  /// Goes on where another program has stopped; the descriptors are adopted.
  explicit OutgoingMessage(const ControlChannel::Remains::Message& remains);

  [[nodiscard]] bool is_sent() const { return sent_ == wire_.size(); }

  /// One sendmsg(2), which does not block. The descriptors travel with the first octet.
  /// \returns what it returns, and errno as it is left.
  ssize_t transmit(int socket);

  /// Duplicates what it has borrowed and not sent, because it has to wait.
  /// \throws std::system_error
  void keep();

  [[nodiscard]] ControlChannel::Remains::Message remains() const;

 private:
  std::string wire_;
  std::size_t sent_ = 0;
  std::vector<int> borrowed_;
  std::vector<UniqueFd> owned_;
};

/// What has been read, and is no whole line yet.
class IncomingLines {
 public:
  /// Gets each line. \returns whether it wants more of them.
  using Take = std::function<bool(std::string_view line, std::vector<UniqueFd> descriptors)>;

  IncomingLines() = default;

  /// Goes on where another program has stopped; the descriptors are adopted.
  IncomingLines(std::string input, const std::vector<int>& descriptors);

  /// One recvmsg(2), which does not block. \returns true if octets came, false if there are none now,
  /// empty if there will be none any more.
  [[nodiscard]] std::optional<bool> receive(int socket);

  /// Gives whole lines away. \returns false if the other end does not keep to the protocol.
  [[nodiscard]] bool deliver(const Take& take);

  [[nodiscard]] const std::string& input() const { return input_; }
  [[nodiscard]] std::vector<int> descriptors() const;

 private:
  bool stand_in(std::size_t got);
  std::optional<std::vector<UniqueFd>> take_descriptors(std::string_view& line);

  std::string input_;
  std::size_t searched_ = 0;  // of `input_`, known to be without a newline
  std::deque<UniqueFd> descriptors_;
};

}  // namespace spawning::control
