// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What can be set about serving HTTP, with the defaults.

#include <chrono>
#include <cstddef>
#include <string>

#include "spawning/bytes.hpp"

namespace spawning {

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
  std::chrono::seconds header{
      30};  ///< from the first octet of a head to its end; a new connection's too
  std::chrono::seconds body{30};   ///< without an octet of the body
  std::chrono::seconds write{30};  ///< without the client taking an octet
  std::chrono::seconds idle{75};   ///< between requests; longer than the usual load balancer's 60 s
  std::chrono::seconds linger{2};  ///< waiting for the client to see a refusal before the close
};

/// How a Server speaks HTTP.
struct HttpConfig {
  HttpLimits limits;
  HttpTimeouts timeouts;
  bool keep_alive = true;
  std::string server = "Spawning";       ///< the Server field of responses; empty: none
  Bytes unsent_high{256 << 10};          ///< above it, writers are told to wait
  std::size_t max_connections = 10'000;  ///< at it, new ones wait in the kernel's backlog
};

}  // namespace spawning
