// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The head and the body of a response → octets.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "spawning/request.hpp"
#include "spawning/response.hpp"

namespace spawning {

/// What a response has to know of its request and its connection.
struct ResponseContext {
  bool head_request = false;
  HttpVersion version = HttpVersion::http_1_1;  ///< the request's
  bool keep_alive = true;                       ///< the connection could persist; see Framing
  std::string_view server{};                    ///< for the Server field; empty: none
};

/// Encodes responses, one after the other, in HTTP/1.1: start(), frame()…, finish().
///
/// The body ends where the head's Content-Length says, else where `content_length` says, else with
/// the last chunk, else (for a client of HTTP/1.0) with the connection. Responses to HEAD have no
/// body, and the fields of a GET except Transfer-Encoding (RFC 9110 §9.3.2); 204 and 304 have none
/// either. A 204 is sent without Content-Length, whatever the author says (RFC 9110 §8.6).
///
/// \par Threads  None of its own. Allocates only as `out` grows.
/// \see RFC 9112 §6.3 and §9.6, RFC 9110 §6.6.1
class ResponseEncoder {
 public:
  /// Octets to be written in one gathered write. All empty: nothing to send.
  /// \par Lifetime  `prefix` until the next call of frame(), start() or reset(); `suffix` is a
  /// constant.
  struct Piece {
    std::string_view prefix;
    std::string_view block;
    std::string_view suffix;
  };

  /// Begins a response: appends its head to `out`, with Date, Server, Connection and framing as
  /// needed.
  ///
  /// `Connection: close` from the author is honoured. For HEAD a `content_length` of 0 counts as
  /// unknown: it is that of a body which the author has left out.
  ///
  /// \param date  an IMF-fixdate.
  /// \throws std::invalid_argument, and leaves `out` as it was, for a status outside 200–599, a
  ///         name that is no token, control octets in a value or the reason, a malformed or second
  ///         Content-Length, and fields that are the connection's business (Transfer-Encoding,
  ///         Connection with anything but `close`, and the other hop-by-hop fields of PEP 3333).
  void start(const ResponseContext& context, const ResponseHead& head,
             std::optional<std::uint64_t> content_length, std::string_view date, std::string& out);

  /// Frames a part of the body: a chunk, or as much of `block` as belongs to the response.
  [[nodiscard]] Piece frame(std::string_view block);

  /// What ends the body: the last chunk, or "".
  [[nodiscard]] std::string_view finish();

  /// Whether the response is whole: the declared length has been framed; where none is, finish()
  /// was called.
  [[nodiscard]] bool complete() const {
    return mode_ == Mode::length ? body_octets_ == declared_ : finished_;
  }

  /// Whether the author wrote more than was declared.
  [[nodiscard]] bool overrun() const { return overrun_; }

  /// Whether the connection persists after this response, as its head says.
  [[nodiscard]] bool keep_alive() const { return keep_alive_; }

  /// Whether a client can tell a response that was broken off from a whole one by its framing. If
  /// not, only a reset of the connection says so.
  [[nodiscard]] bool delimits_itself() const { return mode_ != Mode::close; }

  /// Octets of the body framed so far, without the framing.
  [[nodiscard]] std::uint64_t body_octets() const { return body_octets_; }

  /// As new.
  void reset() { *this = {}; }

 private:
  enum class Mode : std::uint8_t { bodiless, length, chunked, close };

  Mode choose_mode(const ResponseContext& context, unsigned status,
                   std::optional<std::uint64_t> length);

  Mode mode_ = Mode::bodiless;
  bool keep_alive_ = true;
  bool finished_ = false;
  bool overrun_ = false;
  std::uint64_t declared_ = 0;
  std::uint64_t body_octets_ = 0;
  std::array<char, 18> chunk_size_{};  // hexadecimal digits and CRLF
};

}  // namespace spawning
