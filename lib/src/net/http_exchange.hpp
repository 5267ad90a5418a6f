// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The answering side of a connection's current exchange.

#include <sys/uio.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/http_date.hpp"
#include "http/request_parser.hpp"
#include "http/response_encoder.hpp"
#include "net/outbox.hpp"
#include "net/server_context.hpp"
#include "spawning/exchange.hpp"

namespace spawning {

/// Encodes a response and sends it. A connection has one and uses it for one exchange after the
/// other.
///
/// Who may touch it changes hands: the I/O thread until begin_exchange(), then whoever holds the
/// Responder, then, once over() is true, the I/O thread again. The hand-back costs no wake-up: the
/// answering thread leaves a note, and posts only if the I/O thread has asked for it by
/// over_or_tell().
///
/// The right to answer is claimed by the first who takes it: the answering thread when it starts
/// the response, or the I/O thread, which revokes it from somebody who takes too long.
class HttpExchange final : public Exchange {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// How the connection goes on after an exchange.
  enum class Then { keep_alive, close, reset, pass_on };

  /// Whose exchanges they are.
  class Connection {
   public:
    virtual ~Connection() = default;
    /// The I/O thread is to look at over() again. On the answering thread, which keeps the Connection,
    /// but no more than that: the exchange is the I/O thread's by then.
    virtual void post_look() = 0;
    /// Whether the request can travel to another Server. On the I/O thread.
    [[nodiscard]] virtual bool portable() const = 0;
  };

  HttpExchange(ServerContext& server, Outbox& outbox, const ConnectionInfo& info,
               Connection& connection);

  /// \name I/O thread
  /// @{
  void begin_exchange(const RequestHead& head, const Address& client, bool keep_alive, Time now);
  /// As begin_exchange(), for a request that gets no further than the connection.
  void begin_refusal(const RequestHead& head, const Address& client, RefusalReason reason,
                     Time now);
  /// What else its record shall say of the request that has just begun, before anybody has its
  /// Responder.
  /// \param octets  \see ExchangeRecord::request_octets
  /// \param id      sent with the response; "": none. Outlives the exchange.
  void note_request(std::uint64_t octets, std::string_view id) {
    request_octets_ = octets;
    request_id_ = id;
  }
  /// Another request has come behind the one that has just begun: its response need not be sent before
  /// that one's.
  void note_next() { next_is_here_ = true; }
  /// The request that has just begun shall leave nothing behind that would be used again.
  void keep_no_memory() { keeps_memory_ = false; }
  [[nodiscard]] bool over() const {
    return (baton_.load(std::memory_order_acquire) & kRunning) == 0;
  }
  /// As over(); if it is not, Connection::post_look() is called when it is.
  [[nodiscard]] bool over_or_tell() {
    return (baton_.fetch_or(kTell, std::memory_order_acq_rel) & kRunning) == 0;
  }
  [[nodiscard]] Then then() const { return then_; }
  [[nodiscard]] Time ended() const { return ended_; }

  /// What a deadline of RequestTimeouts has come to.
  enum class Verdict {
    none,      ///< not yet, or the exchange is over: look again later
    answered,  ///< the client has got its 503; close behind it
    broken,    ///< the response had begun: nothing can be said any more; reset the connection
  };
  /// Looks whether a limit is exceeded, and acts if so. The Responder is of no effect then.
  [[nodiscard]] Verdict check_timeouts(Time now);

  /// The request, if somebody works on it; what it views stays while its Responder is out.
  [[nodiscard]] std::optional<RunningRequest> running(Time now) const;

  /// The connection is closed: tells whoever asked to be told.
  void client_went();
  /// @}

  bool begin() override;
  [[nodiscard]] bool can_pass_on() const override;
  void pass_on() override;
  void inform(const ResponseHead& head) override;
  void start(const ResponseHead& head, std::optional<std::uint64_t> content_length) override;
  WriteStatus write(std::string_view block) override;
  WriteStatus write_file(UniqueFd file, std::uint64_t offset, std::uint64_t length) override;
  void finish() override;
  void abort() override;
  bool wait_writable() override;
  void when_writable(std::function<void()> resume) override;
  [[nodiscard]] bool client_gone() const override { return outbox_.gone() || revoked(); }
  void when_gone(std::function<void()> notify) override;

 private:
  // running: a Responder is out. tell: the I/O thread waits for the end. begun: somebody works on
  // it. started: the answering thread has claimed the answer. revoked: the I/O thread has.
  static constexpr unsigned kRunning = 1, kTell = 2, kBegun = 4, kStarted = 8, kRevoked = 16;

  // Room for the head of nearly every response.
  static constexpr std::size_t kUsualHead = 240;

  [[nodiscard]] bool revoked() const {
    return (baton_.load(std::memory_order_acquire) & kRevoked) != 0;
  }
  [[nodiscard]] bool claim();
  [[nodiscard]] bool revoke(unsigned unless);
  [[nodiscard]] ResponseContext context() const;
  [[nodiscard]] Verdict time_out(RefusalReason reason, std::chrono::milliseconds limit, Time now);
  void report_overdue(Time now);
  [[nodiscard]] RunningRequest shown(Time now) const;
  void note_progress();
  WriteStatus send(const ResponseEncoder::Piece& piece, Outbox::When when);
  void head_is_sent();
  [[nodiscard]] Outbox::When when_to_send();
  [[nodiscard]] Outbox::When when_to_end() const;
  [[nodiscard]] Outbox::When when_whole() const;
  [[nodiscard]] std::string label() const;
  void end(Outcome outcome, Then then);
  void release_memory();
  void hand_over(bool tell);
  void record(ExchangeRecord&& record) const;

  ServerContext& server_;
  Outbox& outbox_;
  const ConnectionInfo& info_;
  Connection& connection_;
  ResponseEncoder encoder_;
  HttpDate date_;
  std::string head_octets_;  // encoded and not sent yet
  std::string sent_head_;    // of this exchange, where it is kept for the observer
  std::uint64_t head_size_ = 0;
  std::uint64_t request_octets_ = 0;
  std::string_view request_id_;
  RequestHead request_{};
  const Address* client_ = nullptr;
  Time began_{}, ended_{};
  Time last_block_{};
  Time begun_{};  // work on it; published by kBegun
  pthread_t thread_{};
  std::atomic<Time> progress_{};      // of a response that has started; kept if it is limited
  std::atomic<bool> overdue_{false};  // broken off by the I/O thread, half-way
  std::atomic<bool> waiting_{false};  // for the client
  unsigned status_ = 0;
  bool keep_alive_ = false;
  bool keeps_memory_ = true;
  bool next_is_here_ = false;
  std::optional<RefusalReason> refusal_;
  Then then_ = Then::close;
  std::atomic<unsigned> baton_{0};
  std::recursive_mutex notify_mutex_;  // who is notified may end the exchange
  std::function<void()> notify_;
  bool notifies_ = false;  // the answering thread's own: notify_ may be set
};

}  // namespace spawning
