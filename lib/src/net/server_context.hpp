// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What the connections of one Server share.

#include <atomic>
#include <functional>
#include <list>

#include "net/buffer_pool.hpp"
#include "net/deadlines.hpp"
#include "spawning/asio.hpp"
#include "spawning/config.hpp"
#include "spawning/exchange.hpp"
#include "spawning/handler.hpp"
#include "spawning/log.hpp"

namespace spawning {

class HttpConnection;

/// \par Threads  I/O thread, but for what is constant or atomic.
struct ServerContext {
  ServerContext(IoContext& io_context, Handler& answers, const Log& error_log,
                const HttpConfig& http, ServerObserver* watcher)
      : io{io_context},
        handler{answers},
        log{error_log},
        config{http},
        observer{watcher},
        deadlines{{http.timeouts.header, http.timeouts.body, kQuiet, http.timeouts.idle,
                   http.timeouts.write, http.timeouts.linger}} {}

  /// After this long without a request a connection gives its read buffer back.
  static constexpr std::chrono::seconds kQuiet{1};
  /// Enough for the head of nearly every request; a longer one makes its connection grow its own.
  static constexpr std::size_t kReadBuffer = 16 << 10;
  static constexpr std::size_t kBodyBuffer = 64 << 10;

  IoContext& io;
  Handler& handler;
  const Log& log;
  const HttpConfig config;
  ServerObserver* const observer;  // may be null
  Deadlines deadlines;
  BufferPool read_buffers{kReadBuffer, 256};
  BufferPool body_buffers{kBodyBuffer, 16};
  std::list<HttpConnection*> connections;
  std::function<void()> connection_closed;
  std::atomic<bool> draining{false};
};

}  // namespace spawning
