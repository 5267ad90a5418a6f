// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What a connection has only while it is active.

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string_view>

#include "http/forwarded.hpp"
#include "http/framing.hpp"
#include "http/request_id.hpp"
#include "http/request_parser.hpp"
#include "net/buffer_pool.hpp"
#include "net/deadlines.hpp"
#include "net/http_exchange.hpp"
#include "net/outbox.hpp"
#include "net/server_context.hpp"
#include "spawning/body.hpp"

namespace spawning {

/// A deadline that knows whose it is.
struct ConnectionDeadline : Deadlines::Node {
  explicit ConnectionDeadline(HttpConnection& connection) : owner{connection} {}
  HttpConnection& owner;
};

/// Answers that are kept to be sent with the next one, as they were at the last look.
struct KeptOctets {
  bool watched = false;
  unsigned looks = 0;
  std::size_t octets = 0;
};

/// All that it takes to read requests and to answer them. A connection has it from the first octets
/// that come until it has been quiet for a while; so one that is kept alive does without nearly all
/// of the time. What is parsed, encoded or kept for reuse lives here, what the next request has to
/// know of those before it in HttpConnection.
///
/// \par Lifetime  Ends while no Responder for its exchange is out, or with its connection.
struct ActiveState {
  ActiveState(HttpConnection& connection, ServerContext& server, int socket,
              const ConnectionInfo& info, Outbox::IoThread& io,
              HttpExchange::Connection& exchanging)
      : outbox{socket, server.unsent_limits(), server.spooled, io},
        exchange{server, outbox, info, exchanging},
        parser{server.config.limits, server.config.header_map},
        chunks{server.config.limits},
        body{server.config.limits.body_in_memory},
        output_deadline{connection},
        request_deadline{connection} {}

  [[nodiscard]] std::string_view input() const {
    return {buffer.octets.get() + begin, end - begin};
  }

  Outbox outbox;
  HttpExchange exchange;
  RequestParser parser;
  ChunkDecoder chunks;
  Framing framing;
  ForwardedReader forwarded;
  std::unique_ptr<TaggedRequest> tag;  // while it is in use, where requests have ids
  Body body;
  Buffer buffer;                // the request being read or answered, and what has come after it
  std::size_t begin = 0;        // of the request in buffer
  std::size_t request_end = 0;  // behind the request, once it is complete
  std::size_t end = 0;          // of what has been read
  KeptOctets kept;
  ConnectionDeadline output_deadline;
  ConnectionDeadline request_deadline;
  std::chrono::steady_clock::time_point body_began{};
  std::array<char, 768> place;  // of a head that is copied while many wait; buffer is lent it
};

static_assert(sizeof(ActiveState) <= ServerContext::kActive);

}  // namespace spawning
