// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What can be set about serving HTTP, with the defaults.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "spawning/bytes.hpp"
#include "spawning/export.hpp"
#include "spawning/trusted_proxies.hpp"

namespace SPAWNING_EXPORT spawning {

/// How large a request may be. Beyond: 414, 431 or 413, and the connection is closed.
struct HttpLimits {
  Bytes request_line{8 << 10};
  Bytes header_octets{64 << 10};  ///< all field lines together
  std::size_t header_count = 100;
  Bytes body{std::uint64_t{1} << 30};
  Bytes body_in_memory{64 << 10};  ///< above it, a spool file
};

/// How long a client may take. Beyond: 408, or the connection is closed.
struct HttpTimeouts {
  /// From the first octet of a head to its end; a new connection's too.
  std::chrono::milliseconds header{30'000};
  std::chrono::milliseconds body{30'000};   ///< without an octet of the body
  std::chrono::milliseconds write{30'000};  ///< without the client taking an octet
  /// Between requests; longer than the usual load balancer's 60 s.
  std::chrono::milliseconds idle{75'000};
  /// Waiting for the client to see a refusal before the close.
  std::chrono::milliseconds linger{2'000};
  /// From a client's FIN until it counts as gone, although it might have shut only its sending end:
  /// short, so that nobody works for clients that have left.
  std::chrono::milliseconds half_closed{300};
};

/// How long a request may take here. Beyond: 503. Zero: no limit.
struct RequestTimeouts {
  std::chrono::milliseconds queue{0};  ///< from its last octet until work on it begins
  /// From there until its response begins, and between blocks of the response. Whoever works on it
  /// is reported as overdue.
  std::chrono::milliseconds request{0};
};

/// What is done with a field whose name has an underscore: where names are mapped to variables, as
/// in CGI and WSGI, it could pass for one with a dash.
enum class HeaderMap : std::uint8_t {
  drop,       ///< left out, counted, and warned of once a name
  refuse,     ///< 400
  dangerous,  ///< passed on
};

/// How a Server speaks HTTP.
struct HttpConfig {
  HttpLimits limits;
  HttpTimeouts timeouts;
  RequestTimeouts request_timeouts;
  bool keep_alive = true;
  std::size_t keep_alive_requests = 0;  ///< a connection serves so many; 0: no limit
  /// Octets a second that a body must come in with on average, once `timeouts.body` has passed
  /// since it began; 0: any. Below: 408.
  Bytes body_rate{240};
  HeaderMap header_map = HeaderMap::drop;
  /// Who is believed about the clients it asks for, in `Forwarded`, `X-Forwarded-*` and the PROXY
  /// protocol.
  TrustedProxies forwarded_allow = TrustedProxies::parse("127.0.0.1,::1");
  /// Every connection begins with a PROXY header, version 1 or 2; one that does not, or whose peer
  /// is not trusted, gets 400.
  bool proxy_protocol = false;
  /// Every request has an `X-Request-ID`: that of a trusted peer if it is fit for one, else 128 random
  /// bits. Handlers, the response and the record have it.
  bool request_id = false;
  std::string server = "Spawning";               ///< the Server field of responses; empty: none
  Bytes unsent_in_memory{256 << 10};             ///< of a response; above it, a spool file
  Bytes unsent_high{64 << 20};                   ///< above it, writers are told to wait
  Bytes unsent_spooled{std::uint64_t{1} << 30};  ///< as unsent_high, of all responses together
  std::size_t max_connections = 10'000;          ///< at it, new ones wait in the kernel's backlog
};

}  // namespace spawning
