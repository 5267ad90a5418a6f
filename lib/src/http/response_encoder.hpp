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
  std::string_view request_id{};  ///< for X-Request-ID, unless the author states one; empty: none
};

/// Encodes responses, one after the other, in HTTP/1.1: start(), frame()…, finish().
///
/// The body ends where the head's Content-Length says, else where `content_length` says, else with
/// the last chunk, else (for a client of HTTP/1.0) with the connection. Responses to HEAD have no
/// body, and the fields of a GET except Transfer-Encoding (RFC 9110 §9.3.2); 204, 205 and 304 have
/// none either: what is framed for them is dropped. Whatever the author says of the length, a 204
/// is sent without it (RFC 9110 §8.6) and a 205 with `Content-Length: 0` (§15.3.6); a 304 has it
/// only if the author says it, since it is that of the 200 (§15.4.5).
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

  /// As Piece, around octets of a file.
  struct FilePiece {
    std::string_view prefix;
    std::uint64_t length = 0;  ///< so many octets of the file go between them; 0: nothing to send
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

  /// As frame() for `length` octets that are not here: one chunk, or as many as belong to the
  /// response. They count as framed, so who cannot send them all has to break the response off.
  [[nodiscard]] FilePiece frame_file(std::uint64_t length);

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

  // How many of `octets` belong to the response, which are then framed.
  std::uint64_t admit(std::uint64_t octets);
  std::string_view chunk_size_line(std::uint64_t octets);
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

/// Appends an interim response to `out`: a status line and the author's fields, nothing of ours. It
/// may precede any response to a client of HTTP/1.1 (RFC 9110 §15.2), and is no business of the
/// encoder's state.
///
/// \throws std::invalid_argument, and leaves `out` as it was, for what ResponseEncoder::start()
///         rejects, for a status outside 102–199 (100 and 101 change what the client sends next), and
///         for Connection and Content-Length in any form.
void encode_interim(const ResponseHead& head, std::string& out);

}  // namespace spawning
