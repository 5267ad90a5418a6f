// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Where the body of a request ends, and whether another request may follow it.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "http/request_parser.hpp"
#include "spawning/body.hpp"
#include "spawning/config.hpp"

namespace spawning {

/// What the head of a request says about the octets after it.
struct Framing {
  enum class Kind : std::uint8_t { none, length, chunked };

  Kind kind = Kind::none;            ///< `length` also for `Content-Length: 0`
  std::uint64_t content_length = 0;  ///< for `length`
  bool keep_alive = true;            ///< the client can do with another response on this connection
  bool expect_continue = false;      ///< the client waits for 100 before it sends the body
};

/// Decides the framing of a request; stricter than RFC 9112 §6, where a proxy in front could
/// differ.
///
/// 400 for Transfer-Encoding with Content-Length, in HTTP/1.0, or not ending in one plain
/// `chunked`; for Content-Length that is repeated (even with the same value), a list, malformed or
/// over 2^64; 501 for a coding before `chunked`; 413 for a length over `limits.body`; 417 for an
/// expectation that is not `100-continue`. HTTP/1.0 expectations are ignored (RFC 9110 §10.1.1).
///
/// \returns nothing if `out` is filled.
/// \see RFC 9112 §6, §9.3 and §11.2
[[nodiscard]] std::optional<Refusal> frame_request(const RequestHead& head,
                                                   const HttpLimits& limits, Framing& out);

/// Decodes chunked bodies, one after the other, as their octets come in.
///
/// Lines end in CRLF and nothing else; a size is 1 to 16 hexadecimal digits. Chunk extensions and
/// trailer fields are checked, and dropped. 400 for what is malformed or has over 16 KiB of
/// extensions, 413 for a body over `limits.body`, 431 for a trailer section over the limits of a
/// header section. Each octet is looked at once and the result does not depend on how the input is
/// cut.
///
/// \par Threads  None of its own. Allocates nothing itself.
/// \see RFC 9112 §7.1
class ChunkDecoder {
 public:
  enum class Status : std::uint8_t { more, done, refused };

  explicit ChunkDecoder(const HttpLimits& limits) : limits_{limits} {}

  /// Goes on decoding: appends the data in `input` to `body`.
  /// \param consumed  set to how much of `input` was used: all of it, unless the body ends before.
  /// \throws std::system_error as Body::append
  [[nodiscard]] Status decode(std::string_view input, Body& body, std::size_t& consumed);

  /// Once refused.
  [[nodiscard]] const Refusal& refusal() const { return refusal_; }

  /// Ready for the next body.
  void reset();

 private:
  enum class Phase : std::uint8_t {
    size,
    extension,        // after BWS that must be followed by ";"
    extension_begin,  // after ";"
    extension_name,
    extension_equals,  // after a name and BWS
    extension_value_begin,
    extension_value,
    extension_quoted,
    extension_escape,  // after "\" in a quoted value
    extension_end,     // after a quoted value
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer,  // a trailer field's first octet, or the empty line
    trailer_name,
    trailer_value,
    trailer_lf,
    end_lf,
  };

  class Gathering;
  std::size_t take_data(std::string_view input, Gathering& gathering);
  void take(char octet);
  void take_size(char octet);
  void take_extension(char octet);
  void take_extension_value(char octet);
  void take_trailer(char octet);
  void end_element(char octet, std::string_view rule);
  void end_size_line();
  void expect(char octet, char expected, Phase next);
  void refuse(RefusalReason reason, std::string_view rule);

  HttpLimits limits_;
  Status status_ = Status::more;
  Phase phase_ = Phase::size;
  unsigned size_digits_ = 0;
  std::uint64_t remaining_ = 0;  // of the size while it is read, of the data then
  std::uint64_t received_ = 0;   // data of this body, all chunks
  std::size_t extension_octets_ = 0;
  std::uint64_t trailer_octets_ = 0;
  std::size_t trailer_count_ = 0;
  Refusal refusal_;
};

}  // namespace spawning
