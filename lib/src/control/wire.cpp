// SPDX-License-Identifier: MIT
#include "control/wire.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "base/descriptor_table.hpp"

namespace spawning::control {
namespace {

constexpr std::size_t kLongestLine = 1 << 20;
constexpr std::size_t kMostDescriptors = ControlChannel::kMostDescriptors;
constexpr std::size_t kReadOctets = 16 << 10;
constexpr char kCarries = '\x01';  // never the first octet of JSON

struct ControlData {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMostDescriptors)> octets;
};

std::string to_wire(std::string_view line, std::size_t descriptors) {
  if (line.size() > kLongestLine - 2 || descriptors > kMostDescriptors)
    throw std::length_error{"a control message is too long or carries too many descriptors"};
  if (line.starts_with(kCarries) || line.find('\n') != std::string_view::npos)
    throw std::invalid_argument{"a control message is one line of text"};
  std::string wire;
  if (descriptors > 0) wire = {kCarries, static_cast<char>('0' + descriptors)};
  return wire.append(line) + '\n';
}

void take_rights(msghdr& header, std::deque<UniqueFd>& into) {
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

OutgoingMessage::OutgoingMessage(std::string_view line, std::span<const int> descriptors)
    : wire_{to_wire(line, descriptors.size())}, borrowed_(descriptors.begin(), descriptors.end()) {}

OutgoingMessage::OutgoingMessage(std::string_view line, std::vector<UniqueFd> descriptors)
    : wire_{to_wire(line, descriptors.size())}, owned_{std::move(descriptors)} {}

OutgoingMessage::OutgoingMessage(const ControlChannel::Remains::Message& remains)
    : wire_{remains.wire}, sent_{remains.sent} {
  for (int fd : remains.descriptors) owned_.emplace_back(fd);
}

ssize_t OutgoingMessage::transmit(int socket) {
  iovec piece{wire_.data() + sent_, wire_.size() - sent_};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  std::vector<int> descriptors = borrowed_;
  for (const UniqueFd& fd : owned_) descriptors.push_back(fd.get());
  ControlData control{};
  if (sent_ == 0 && !descriptors.empty()) {
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
  if (count > 0) sent_ += static_cast<std::size_t>(count);
  return count;
}

void OutgoingMessage::keep() {
  const std::vector<int> borrowed = std::exchange(borrowed_, {});
  if (sent_ > 0) return;  // they have travelled
  for (int fd : borrowed) owned_.push_back(copy_of(fd));
}

ControlChannel::Remains::Message OutgoingMessage::remains() const {
  ControlChannel::Remains::Message remains{wire_, sent_, {}};
  for (const UniqueFd& fd : owned_) remains.descriptors.push_back(fd.get());
  return remains;
}

IncomingLines::IncomingLines(std::string input, const std::vector<int>& descriptors)
    : input_{std::move(input)} {
  for (int fd : descriptors) descriptors_.emplace_back(fd);
}

std::vector<int> IncomingLines::descriptors() const {
  std::vector<int> numbers;
  numbers.reserve(descriptors_.size());
  for (const UniqueFd& fd : descriptors_) numbers.push_back(fd.get());
  return numbers;
}

std::optional<bool> IncomingLines::receive(int socket) {
  std::array<char, kReadOctets>
      octets;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by recvmsg
  iovec piece{octets.data(), octets.size()};
  ControlData control{};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  header.msg_control = control.octets.data();
  header.msg_controllen = control.octets.size();
  const ssize_t count = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (count < 0 && errno == EINTR) return true;
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
  if (count <= 0) return std::nullopt;
  const std::size_t before = descriptors_.size();
  take_rights(header, descriptors_);
  input_.append(octets.data(), static_cast<std::size_t>(count));
  if ((header.msg_flags & MSG_CTRUNC) != 0 && !stand_in(descriptors_.size() - before))
    return std::nullopt;
  return true;
}

// This process has room for only `got` of those that came: puts empty ones in place of the rest.
// They belong to the line that is last in `input_`, because recvmsg(2) ends with what they came
// with. False if that line expects none.
bool IncomingLines::stand_in(std::size_t got) {
  if (input_.size() < 2) return false;
  const std::size_t newline = input_.rfind('\n', input_.size() - 2);
  const std::size_t line = newline == std::string::npos ? 0 : newline + 1;
  if (input_[line] != kCarries) return false;
  const auto count = static_cast<std::size_t>(input_[line + 1] - '0');
  if (count > kMostDescriptors || count < got) return false;
  descriptors_.resize(descriptors_.size() + count - got);
  return true;
}

bool IncomingLines::deliver(const Take& take) {
  std::size_t begin = 0;
  for (std::size_t end = 0;
       (end = input_.find('\n', std::max(begin, searched_))) != std::string::npos;) {
    if (end - begin > kLongestLine) return false;
    std::string_view line = std::string_view{input_}.substr(begin, end - begin);
    auto descriptors = take_descriptors(line);
    if (!descriptors) return false;
    if (!take(line, *std::move(descriptors))) return true;
    begin = end + 1;
  }
  input_.erase(0, begin);
  searched_ = input_.size();
  return input_.size() <= kLongestLine;
}

// Those that came with the line, from which it takes what says so; empty if that is wrong.
std::optional<std::vector<UniqueFd>> IncomingLines::take_descriptors(std::string_view& line) {
  std::vector<UniqueFd> taken;
  if (!line.starts_with(kCarries)) return taken;
  const std::size_t count = line.size() < 2 ? 0 : static_cast<std::size_t>(line[1] - '0');
  if (count == 0 || count > kMostDescriptors || count > descriptors_.size()) return std::nullopt;
  for (std::size_t i = 0; i < count; ++i) {
    taken.push_back(std::move(descriptors_.front()));
    descriptors_.pop_front();
  }
  line.remove_prefix(2);
  return taken;
}

}  // namespace spawning::control
