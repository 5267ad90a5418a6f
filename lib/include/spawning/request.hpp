// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// A request as a value: views into octets that its exchange keeps alive.

#include <chrono>
#include <cstdint>
#include <string_view>

#include "spawning/address.hpp"
#include "spawning/body.hpp"
#include "spawning/export.hpp"
#include "spawning/headers.hpp"

namespace SPAWNING_EXPORT spawning {

enum class HttpVersion : std::uint8_t { http_1_0, http_1_1 };

[[nodiscard]] constexpr std::string_view to_string(HttpVersion version) {
  return version == HttpVersion::http_1_1 ? "HTTP/1.1" : "HTTP/1.0";
}

/// The two ends of the connection a request came over; where a PROXY header says so, those of the
/// connection that the proxy passes on. Constant for all requests of the connection.
struct ConnectionInfo {
  Address peer;
  Address local;
};

/// One complete request: head parsed and checked, body received.
///
/// \par Lifetime  Every view, `body` and `connection` stay valid until the Responder that came with
///                the request has finished or been destroyed. Copy what must live longer.
/// \see RFC 9112 §3, RFC 9110 §7.1
struct Request {
  std::string_view method{};  ///< case-sensitive, as sent
  std::string_view target{};  ///< the request target as sent, whatever its form
  std::string_view path{};    ///< the target's path, percent-encoded; "*" for the asterisk-form
  std::string_view query{};   ///< after the first "?", percent-encoded; "" if none
  /// The authority of an absolute-form target, else the Host field; "" if neither.
  /// Where a trusted proxy says so, what it says.
  std::string_view host{};
  std::string_view scheme = "http";  ///< or "https", where a trusted proxy says so
  HttpVersion version = HttpVersion::http_1_1;
  /// In the order received, without those that nobody should believe: names with an underscore, as
  /// HeaderMap says, and `Forwarded` and `X-Forwarded-*` from a peer that is not trusted.
  Headers headers{};
  Body* body = nullptr;  ///< never null when a Handler sees it; empty if there is none
  const ConnectionInfo* connection = nullptr;  ///< never null when a Handler sees it
  /// Who asks: the connection's peer, or whom a trusted proxy names; the port is 0 where it names
  /// none. Never null when a Handler sees it.
  const Address* client = nullptr;
  std::chrono::steady_clock::time_point received{};  ///< when the request was complete
};

}  // namespace spawning
