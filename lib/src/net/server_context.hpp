// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What the connections of one Server share.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "http/dropped_names.hpp"
#include "http/request_id.hpp"
#include "net/buffer_pool.hpp"
#include "net/deadlines.hpp"
#include "net/kept_answers.hpp"
#include "net/poll_set.hpp"
#include "net/slot_pool.hpp"
#include "net/unsent_queue.hpp"
#include "spawning/asio.hpp"
#include "spawning/config.hpp"
#include "spawning/exchange.hpp"
#include "spawning/handler.hpp"
#include "spawning/log.hpp"
#include "spawning/server.hpp"

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
        keeps_response_heads{watcher != nullptr && watcher->reads_response_heads()},
        deadlines{{http.timeouts.header, http.timeouts.body, kQuiet, http.timeouts.idle, kFarewell,
                   http.timeouts.write, http.timeouts.linger, http.timeouts.half_closed,
                   first_look(http.request_timeouts), kRecheck}} {}

  /// When to look for the first time whether a request takes too long; zero: never.
  static std::chrono::milliseconds first_look(const RequestTimeouts& limits) {
    if (limits.queue.count() == 0 || limits.request.count() == 0)
      return std::max(limits.queue, limits.request);
    return std::min(limits.queue, limits.request);
  }
  [[nodiscard]] bool limits_requests() const {
    return first_look(config.request_timeouts).count() > 0;
  }
  /// Whether connections go to another Server.
  [[nodiscard]] bool handing_over() const { return draining && !closing; }
  [[nodiscard]] UnsentLimits unsent_limits() const {
    return {config.unsent_in_memory.count, config.unsent_high.count, config.unsent_spooled.count};
  }

  /// After this long without a request a connection gives back what only an active one needs.
  static constexpr std::chrono::seconds kQuiet{1};
  /// So long a connection may take to its first request while its server drains.
  static constexpr std::chrono::milliseconds kFarewell{500};
  /// How late a request timeout may be noticed.
  static constexpr std::chrono::milliseconds kRecheck{100};
  /// Enough for the head of nearly every request; a longer one makes its connection grow its own.
  static constexpr std::size_t kReadBuffer = 16 << 10;
  static constexpr std::size_t kPassage = 64 << 10;
  /// Enough for an ActiveState: 22 of them make a chunk of the pool.
  static constexpr std::size_t kActive = 2880;

  IoContext& io;
  Handler& handler;
  const Log& log;
  const HttpConfig config;
  ServerObserver* const observer;       // may be null
  const bool keeps_response_heads;      // for the observer
  std::optional<PollSet> poll_set{io};  // until its Server ends
  Deadlines deadlines;
  const std::shared_ptr<KeptAnswers> kept_answers = std::make_shared<KeptAnswers>(io);
  BufferPool read_buffers{kReadBuffer, 256};
  /// Octets of a body, from the socket on their way into it; nothing stays here from one read to the next.
  const Buffer passage{kPassage};
  SlotPool active{kActive, 256};
  DroppedNames dropped_names;
  RequestIds request_ids;
  std::list<std::shared_ptr<HttpConnection>> connections;
  /// Closed while somebody worked for their clients. Some have ended since.
  std::vector<std::weak_ptr<HttpConnection>> closed_under_way;
  std::function<void()> connection_closed;
  /// Gives a connection away; if nobody takes it, it is registered anew; one that drains, `closing`.
  std::function<void(HandedConnection)> hand_over;
  bool draining = false;
  std::atomic<bool> closing{false};       // answers announce the end of their connections
  std::atomic<bool> pausing{false};       // the I/O thread will be back in a moment
  std::atomic<std::uint64_t> spooled{0};  // octets of responses in spool files
};

}  // namespace spawning
