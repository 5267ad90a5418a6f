// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Octets → the head of a request, in the strict reading of RFC 9112.

#include <boost/container/small_vector.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "spawning/config.hpp"
#include "spawning/refusal.hpp"
#include "spawning/request.hpp"

namespace spawning {

/// Why a request is not served. The connection answers `status` and closes.
struct Refusal {
  unsigned status = 400;
  std::string_view rule;  ///< a constant for the log: "bare LF in the head"
  RefusalReason reason = RefusalReason::request_line;
};

/// A Refusal with the status that goes with `reason`.
[[nodiscard]] inline Refusal refusal_for(RefusalReason reason, std::string_view rule) {
  return {status_of(reason), rule, reason};
}

/// The head of one request. Views into the octets it was parsed from, or constants.
struct RequestHead {
  std::string_view method;  ///< \see Request for these
  std::string_view target;
  std::string_view path;
  std::string_view query;
  std::string_view host;
  /// Of a target in absolute-form, "http" or "https"; else "". A connection that is not secured, nor
  /// from a trusted gateway, must refuse https with 421 (RFC 9110 §7.4).
  std::string_view scheme;
  HttpVersion version = HttpVersion::http_1_1;
  Headers headers;
  /// Names of the fields that are left out of `headers`, under HeaderMap::drop; seldom any.
  std::span<const std::string_view> dropped;
};

/// Parses the heads of requests, one after the other, as their octets come in.
///
/// What RFC 9112 lets a server take or refuse is refused wherever two readers could disagree: bare
/// CR, bare LF, control octets, folded lines, blanks around a name, a second Host. A refusal comes
/// with the octet that makes it certain, not at the end of the line or the head. Every octet is
/// looked at once, however the input is cut; the result does not depend on the cuts.
///
/// Refuses with 414 a request line and with 431 header fields over the limits, with 505 what is not
/// HTTP/1.x, with 501 CONNECT, TRACE (no application ever sees them) and a method of more than 64
/// octets, with 400 everything else. HTTP/1.2 and above count as 1.1.
///
/// Fields with an underscore in their name are left out, refused or passed on as HeaderMap says.
/// Under no HeaderMap do they take part in the framing: to it, `Content_Length` is a name like any
/// other.
///
/// \par Threads   None of its own.
/// \par Lifetime  No allocation for up to 16 fields, nor once `headers` has held as many as a request has.
/// \see RFC 9112 §2–5, RFC 9110 §5 and §7.1, docs/decisions/0001-own-request-parser.md
class RequestParser {
 public:
  enum class Status : std::uint8_t { incomplete, complete, refused };

  explicit RequestParser(const HttpLimits& limits, HeaderMap header_map = HeaderMap::drop)
      : limits_{limits}, header_map_{header_map} {
    reset();
  }

  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  /// Goes on parsing. After `complete` or `refused` the answer stays the same until reset().
  /// \param input  everything received since the head's first octet: what the call before got, and
  ///               more. At another address than before it is parsed again from the start.
  [[nodiscard]] Status parse(std::string_view input);

  /// Octets of the head, a leading CRLF included. Once complete.
  [[nodiscard]] std::size_t consumed() const { return static_cast<std::size_t>(at_ - begin_); }

  /// Once complete. Views into the last `input`. Once refused: the method, the target and the
  /// version as far as they were read, and nothing else.
  [[nodiscard]] const RequestHead& head() const { return head_; }

  /// Whether the last parse() said `complete`.
  [[nodiscard]] bool complete() const { return status_ == Status::complete; }

  /// Once refused.
  [[nodiscard]] const Refusal& refusal() const { return refusal_; }

  /// Whether an octet of a request line has come; the CRLF that may stand before it is none.
  [[nodiscard]] bool started() const { return phase_ > Phase::request_line; }

  /// Ready for the next head. Keeps its memory.
  void reset();

 private:
  enum class Phase : std::uint8_t {
    leading,       // an empty line, or the request line
    leading_lf,    // the second octet of the empty line
    request_line,  // its first octet, after an empty line
    method,
    target,
    version,
    field,  // a field line's first octet, or the empty line
    name,
    value,
    value_lf,
    end_lf,
  };

  // Each parses one element as far as the input goes. False: no more input, complete, or refused.
  bool step();
  bool parse_leading();
  bool parse_leading_lf();
  bool parse_request_line_start();
  bool parse_method();
  bool parse_target();
  bool parse_version();
  bool parse_field_start();
  bool parse_name();
  bool parse_rest_of_name();
  bool parse_value();
  bool parse_value_lf();
  bool parse_end_lf();

  static constexpr std::size_t kUsualFields = 16;

  void begin_element(Phase phase);
  void limit_part_to(Bytes octets);
  bool end_request_line();
  bool end_head();
  bool run_out();
  bool refuse(RefusalReason reason, std::string_view rule);

  HttpLimits limits_;
  HeaderMap header_map_;
  Status status_ = Status::incomplete;
  Phase phase_ = Phase::leading;
  bool underscored_ = false;       // the name that is being parsed, or was last
  unsigned hosts_ = 0;             // Host fields so far
  const char* begin_ = nullptr;    // of the input
  const char* at_ = nullptr;       // the next octet to look at
  const char* element_ = nullptr;  // where the element that is being parsed begins
  const char* stop_ =
      nullptr;            // the end of the input, or of what the limit allows if that comes first
  std::size_t size_ = 0;  // of the input
  std::uint64_t part_end_ = 0;  // where the request line, or the fields, have to end
  std::string_view name_;       // of the field whose value is being parsed
  std::string_view host_field_;
  RequestHead head_;
  boost::container::small_vector<Header, kUsualFields> headers_;
  std::vector<std::string_view> dropped_;
  Refusal refusal_;
};

}  // namespace spawning
