// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// A whole request body: in memory while it is small, in an unlinked spool file when it is not.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "spawning/bytes.hpp"
#include "spawning/export.hpp"
#include "spawning/unique_fd.hpp"

namespace SPAWNING_EXPORT spawning {

/// The body of one request. Who receives it appends; then whoever answers the request reads it from
/// start to end, without ever waiting for the client. The framing (chunks) is gone already.
///
/// Above `memory_limit` the octets move to a file without a name (O_TMPFILE in $TMPDIR, /tmp or
/// /var/tmp; where none of them can be written, a memfd). It vanishes with the Body.
///
/// \par Threads  None of its own; appending and reading are never concurrent.
class Body {
 public:
  explicit Body(Bytes memory_limit = Bytes{64 << 10}) : memory_limit_{memory_limit} {}

  /// Octets received so far; the body's length once it is complete.
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::uint64_t position() const { return position_; }
  [[nodiscard]] std::uint64_t remaining() const { return size_ - position_; }
  [[nodiscard]] bool spooled() const { return static_cast<bool>(spool_); }

  /// Copies the next octets to `out`. Returns how many: 0 only at the end (or for an empty `out`).
  /// \throws std::system_error if the spool file cannot be read.
  [[nodiscard]] std::size_t read(std::span<char> out);

  /// What is left, as one text; nothing if that is more than `most`, and then it is all still there.
  /// \throws std::system_error as read().
  [[nodiscard]] std::optional<std::string> read_all(Bytes most);

  /// What is left, where it lies in one piece in memory; empty if the body is spooled.
  [[nodiscard]] std::string_view unread_in_memory() const;

  /// Passes over `count` octets, at most `remaining()`.
  void skip(std::uint64_t count);

  /// Adds octets at the end. \throws std::system_error if the spool file cannot be written.
  void append(std::string_view octets);

  /// Makes `octets` the whole body without a copy; they must outlive its use. Only on an empty
  /// Body.
  void borrow(std::string_view octets);

  /// Empty again, and ready for the next request. Memory is kept for reuse, a spool file is not: who has
  /// read a long body may close it so, before the response ends. Of a gigabyte that takes 70 ms.
  void clear();

 private:
  void keep(std::string_view octets);
  void spool(std::string_view octets);

  Bytes memory_limit_;
  std::string memory_;
  std::string_view borrowed_;
  UniqueFd spool_;
  std::uint64_t size_ = 0;
  std::uint64_t position_ = 0;
};

}  // namespace spawning
