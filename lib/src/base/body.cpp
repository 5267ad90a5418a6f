// SPDX-License-Identifier: MIT
#include "spawning/body.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/spool_file.hpp"
#include "spawning/error.hpp"

namespace spawning {
namespace {

void write_all(int fd, std::string_view octets, std::uint64_t offset) {
  while (!octets.empty()) {
    const auto written = ::pwrite(fd, octets.data(), octets.size(), static_cast<off_t>(offset));
    if (written < 0) {
      if (errno == EINTR) continue;
      throw_last_error("pwrite to the spool file of a request body");
    }
    octets.remove_prefix(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
}

std::size_t read_some(int fd, std::span<char> out, std::uint64_t offset) {
  for (;;) {
    const auto count = ::pread(fd, out.data(), out.size(), static_cast<off_t>(offset));
    if (count > 0) return static_cast<std::size_t>(count);
    // The file is ours alone and has no name: that it ends early is as bad as that it cannot be
    // read.
    if (count == 0) errno = EIO;
    if (errno != EINTR) throw_last_error("pread from the spool file of a request body");
  }
}

}  // namespace

std::size_t Body::read(std::span<char> out) {
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), remaining()));
  if (wanted == 0) return 0;
  std::size_t count = wanted;
  if (spool_) {
    count = read_some(spool_.get(), out.first(wanted), position_);
  } else {
    std::memcpy(out.data(), unread_in_memory().data(), wanted);
  }
  position_ += count;
  return count;
}

std::optional<std::string> Body::read_all(Bytes most) {
  if (remaining() > most.count) return std::nullopt;
  std::string text(static_cast<std::size_t>(remaining()), '\0');
  for (std::span<char> rest{text}; !rest.empty();) rest = rest.subspan(read(rest));
  return text;
}

std::string_view Body::unread_in_memory() const {
  if (spool_) return {};
  const std::string_view whole =
      borrowed_.data() != nullptr ? borrowed_ : std::string_view{memory_};
  return whole.substr(static_cast<std::size_t>(position_));
}

void Body::skip(std::uint64_t count) { position_ += std::min(count, remaining()); }

void Body::append(std::string_view octets) {
  if (borrowed_.data() != nullptr) {
    memory_.assign(borrowed_);
    borrowed_ = {};
  }
  if (spool_ || octets.size() > memory_limit_.count - std::min(size_, memory_limit_.count)) {
    spool(octets);
  } else {
    keep(octets);
  }
  size_ += octets.size();
}

// No more is allocated than the limit says.
void Body::keep(std::string_view octets) {
  const std::size_t size = memory_.size() + octets.size();
  if (size > memory_.capacity())
    memory_.reserve(
        std::min<std::size_t>(std::max(size, 2 * memory_.capacity()), memory_limit_.count));
  memory_.append(octets);
}

void Body::spool(std::string_view octets) {
  if (!spool_) {
    UniqueFd file = open_spool_file();
    write_all(file.get(), memory_, 0);
    spool_ = std::move(file);
    std::string{}.swap(memory_);
  }
  write_all(spool_.get(), octets, size_);
}

void Body::borrow(std::string_view octets) {
  borrowed_ = octets;
  size_ = octets.size();
}

void Body::clear() {
  memory_.clear();
  borrowed_ = {};
  spool_.reset();
  size_ = position_ = 0;
}

}  // namespace spawning
