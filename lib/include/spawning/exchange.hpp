// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// An exchange, one request with its answer: what the connection offers to answer it, and the
/// record of it.

#include <pthread.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "spawning/export.hpp"
#include "spawning/refusal.hpp"
#include "spawning/request.hpp"
#include "spawning/response.hpp"
#include "spawning/unique_fd.hpp"

namespace SPAWNING_EXPORT spawning {

/// What became of octets given to a connection.
enum class WriteStatus : std::uint8_t {
  ok,    ///< sent, or queued; go on
  full,  ///< taken, but much is unsent: wait until the client has read some before writing more
  gone,  ///< the client is gone or the exchange is over; nothing more will be sent
};

/// The answering side of one exchange. Handlers hold it as a Responder, which keeps the order of
/// calls: start, write…, and exactly one of finish and abort. Tests implement it to see what a
/// Handler answers.
///
/// \par Threads  Any thread, one at a time.
class Exchange {
 public:
  virtual ~Exchange() = default;

  /// Work on the request begins, on the calling thread: for whoever takes it from a queue. False,
  /// and the exchange is over, if there is no use in it any more: the client has gone, or the
  /// request has waited too long and is answered.
  [[nodiscard]] virtual bool begin() = 0;

  /// Whether pass_on() is possible: nobody works on the request, nothing has been said to the client,
  /// and the request is not too large to travel. On the I/O thread.
  [[nodiscard]] virtual bool can_pass_on() const { return false; }

  /// Nobody here is to answer the request: its connection leaves with it, for another Server. Only
  /// if can_pass_on(). On the I/O thread.
  virtual void pass_on() {}

  /// Sends an interim response at once, before start(): 103, say. Nothing is sent to a client of
  /// HTTP/1.0, which knows none (RFC 9110 §15.2).
  /// \throws std::invalid_argument as start(), and for a status outside 102–199.
  virtual void inform(const ResponseHead& head) = 0;

  /// States the head. It goes out with the first octets of the body, or at finish().
  /// \param content_length  the body's length where the caller knows it and the head does not say it.
  /// \throws std::invalid_argument if a name, value, reason or status cannot be sent as it is
  ///         (RFC 9110 §5.5: no CR, LF, NUL), or Content-Length is malformed. Nothing has been
  ///         started then.
  virtual void start(const ResponseHead& head, std::optional<std::uint64_t> content_length) = 0;

  /// Sends `block` at once, with the head if that is still here, and queues what the socket does not take. Never
  /// waits. It is sent soon, with others, where blocks follow within a millisecond or Server::between_turns() pauses;
  /// and with the next answer, unless that takes its time, where it ends a small response and the next request is here.
  /// Octets beyond a declared Content-Length, and those of a bodiless response, are dropped.
  virtual WriteStatus write(std::string_view block) = 0;

  /// Sends `length` octets of a file from `offset` on, as write() does a block, but without anybody
  /// waiting for the client: the I/O thread goes on where the socket does not take them.
  /// \param file  a regular file that can be mapped; owned from here on. If it turns out to be
  ///              shorter, the connection is broken off.
  /// \see sendfile(2)
  virtual WriteStatus write_file(UniqueFd file, std::uint64_t offset, std::uint64_t length) = 0;

  /// The response is complete. If it is shorter than declared the connection is aborted, visibly.
  virtual void finish() = 0;

  /// The response cannot be completed: closes the connection so that the client can tell.
  virtual void abort() = 0;

  /// Waits until little is unsent. False if the client has gone, or does not read in time.
  virtual bool wait_writable() = 0;

  /// Calls `resume` once, on the I/O thread, when little is unsent or the client has gone.
  virtual void when_writable(std::function<void()> resume) = 0;

  /// Whether the client has gone, as far as is known. A client that shuts its sending end and waits
  /// for the answer counts as gone after a short while.
  [[nodiscard]] virtual bool client_gone() const = 0;

  /// Calls `notify` once, on the I/O thread, when the client has gone before the exchange is over;
  /// at once, on this thread, if it has already. nullptr: no more. It is not running, and will not
  /// be called, once a later call of this function, finish() or abort() has returned. It may call these
  /// itself, and destroy the last Responder.
  virtual void when_gone(std::function<void()> notify) = 0;
};

/// How an exchange ended.
enum class Outcome : std::uint8_t {
  complete,     ///< answered in full
  aborted,      ///< the response was broken off by the Handler
  client_gone,  ///< the client left before the response was complete
  refused,      ///< answered by the connection itself: malformed, over a limit, too late
  timed_out,    ///< answered by the connection itself: it waited or ran for too long here
};

/// What happened, stated once an exchange, for errors and aborts too.
/// \par Lifetime  Views are valid during the call that hands the record over.
struct ExchangeRecord {
  std::string_view method{};  ///< "" if the request line could not be read
  std::string_view target{};  ///< as method
  /// \name Of a request whose head was read whole, else "" and none. \see Request
  /// @{
  std::string_view path{};
  std::string_view query{};
  std::string_view host{};  ///< as the client says it, whatever a proxy says
  Headers headers{};        ///< all that could reach a Handler, whoever sent them
  /// @}
  HttpVersion version = HttpVersion::http_1_1;
  /// 0 if no head was sent; 499 if the client went before work on the request began.
  unsigned status = 0;
  Outcome outcome = Outcome::complete;
  std::optional<RefusalReason> refusal{};  ///< of one that was refused or timed out
  std::uint64_t body_octets = 0;           ///< of the response's body, without framing
  std::uint64_t head_octets = 0;           ///< of the response's head
  std::uint64_t request_octets = 0;        ///< of the request: head, and body without framing
  /// The response's head as it was encoded, if ServerObserver::reads_response_heads().
  std::string_view response_head{};
  std::string_view request_id{};  ///< "" unless HttpConfig::request_id
  bool keep_alive = false;        ///< whether the connection goes on
  std::chrono::steady_clock::duration
      duration{};  ///< from the complete request to the end of the response
  std::chrono::steady_clock::duration queued{};  ///< of that, before work on it began
  const ConnectionInfo* connection = nullptr;
  const Address* client = nullptr;  ///< \see Request::client
};

/// A request on which somebody works.
/// \par Lifetime  As ExchangeRecord.
struct RunningRequest {
  std::string_view method{};
  std::string_view target{};
  const Address* client = nullptr;
  std::chrono::steady_clock::duration running{};
  pthread_t thread{};  ///< that called Exchange::begin()
};

/// One that runs for too long. Its client has been answered.
using OverdueRequest = RunningRequest;

/// Sees every exchange of a Server, and its connections come and go.
/// \par Threads  exchange_* on the thread that ends the exchange, concurrently for different
///               connections; connection_* on the I/O thread.
class ServerObserver {
 public:
  virtual ~ServerObserver() = default;
  /// Whether records are to have the response's head, which would be forgotten otherwise. Asked when
  /// the Server is made.
  [[nodiscard]] virtual bool reads_response_heads() const { return false; }
  virtual void exchange_ended(const ExchangeRecord& record) = 0;
  /// On the I/O thread.
  virtual void request_overdue(const OverdueRequest& /*request*/) {}
  /// Fields left out because of their names (HeaderMap::drop). On the I/O thread.
  virtual void fields_dropped(std::size_t /*count*/) {}
  virtual void connection_opened() = 0;
  virtual void connection_closed() = 0;
};

}  // namespace spawning
