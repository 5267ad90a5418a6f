// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What a connection has been given to send and its client has not taken yet.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "spawning/unique_fd.hpp"

namespace spawning {

/// How much may wait to be sent, and where. \see HttpConfig
struct UnsentLimits {
  std::uint64_t in_memory = 256 << 10;             ///< above it, a spool file
  std::uint64_t high = 64 << 20;                   ///< above it, writers are to wait
  std::uint64_t spooled = std::uint64_t{1} << 30;  ///< above it, in all queues together, too
};

/// Octets and parts of files, in order. It takes everything that it is given: the first octets
/// stay in memory, those beyond the limit go to a spool file, so that whoever produces them need
/// not wait for the client. Where no spool file can be written they stay in memory, and the queue
/// is congested early.
///
/// \par Threads   One at a time; `spooled` is shared by the queues of many connections.
/// \see sendfile(2)
class UnsentQueue {
 public:
  /// What became of an attempt to send.
  enum class Sent : std::uint8_t {
    all,     ///< the queue is empty
    some,    ///< the socket's buffer is full, or others shall have their turn
    failed,  ///< the connection is broken, or a file is shorter than was said
  };

  UnsentQueue(const UnsentLimits& limits, std::atomic<std::uint64_t>& spooled)
      : limits_{limits}, spooled_{spooled} {}
  ~UnsentQueue() { clear(); }

  UnsentQueue(const UnsentQueue&) = delete;
  UnsentQueue& operator=(const UnsentQueue&) = delete;

  [[nodiscard]] bool empty() const { return parts_.empty(); }

  /// Whether no spool file is needed for so many octets more.
  [[nodiscard]] bool stays_in_memory(std::size_t octets) const {
    return unsent_ + octets <= limits_.in_memory;
  }

  /// Whether whoever produces octets is to wait, and, once that was so, whether he is to go on
  /// waiting: until half of the limit is unsent. Files count for nothing: they need no memory.
  [[nodiscard]] bool congested();

  /// Whether another response had better wait until more of it is taken: it has a file, which is a
  /// descriptor, or more octets than stay in memory.
  [[nodiscard]] bool holds_up() const { return files_ > 0 || unsent_ > limits_.in_memory; }

  void push(std::string_view octets);
  /// Octets will be pushed that stay in memory: makes room for so many, with those that are the last there.
  void expect(std::size_t octets);
  void push_file(UniqueFd file, std::uint64_t offset, std::uint64_t length);

  /// Sends from the front what the socket takes without waiting, at most about a MiB of files.
  /// \param progress  set to whether anything was sent.
  [[nodiscard]] Sent send(int socket, bool& progress);

  /// Drops everything, and gives the memory back.
  void clear();

 private:
  // Octets in memory from `offset` on; or, with a file, `remaining` octets of it from `offset` on.
  struct Part {
    std::string octets{};
    UniqueFd file{};
    std::uint64_t offset = 0;
    std::uint64_t remaining = 0;
    bool spool = false;
  };

  [[nodiscard]] Part* spool_part(std::size_t room);
  [[nodiscard]] bool spool(std::string_view octets);
  void account(Part& part, std::uint64_t sent);
  void drop_first();

  UnsentLimits limits_;
  std::atomic<std::uint64_t>& spooled_;
  std::vector<Part> parts_;
  std::uint64_t unsent_ = 0;  // octets, those of files that were pushed excepted
  std::size_t files_ = 0;     // that were pushed
  bool congested_ = false;
  bool cannot_spool_ = false;
};

}  // namespace spawning
