// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The answering side of a connection's current exchange.

#include <sys/uio.h>

#include <atomic>
#include <chrono>
#include <functional>
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
/// Who may touch it changes hands: the I/O thread until begin(), then whoever holds the Responder,
/// then, once over() is true, the I/O thread again. The hand-back costs no wake-up: the answering
/// thread leaves a note, and posts only if the I/O thread has asked for it by over_or_tell().
class HttpExchange final : public Exchange {
 public:
  /// How the connection goes on after an exchange.
  enum class Then { keep_alive, close, reset };

  /// Called on the answering thread when the I/O thread is to look at over() again.
  using Tell = std::function<void()>;

  HttpExchange(ServerContext& server, Outbox& outbox, const ConnectionInfo& connection, Tell tell);

  /// \name I/O thread
  /// @{
  void begin(const RequestHead& head, bool keep_alive, std::chrono::steady_clock::time_point now);
  /// As begin(), for a request that gets no further than the connection.
  void begin_refusal(const RequestHead& head, std::chrono::steady_clock::time_point now);
  [[nodiscard]] bool over() const {
    return (baton_.load(std::memory_order_acquire) & kRunning) == 0;
  }
  /// As over(); if it is not, Tell is called when it is.
  [[nodiscard]] bool over_or_tell() {
    return (baton_.fetch_or(kTell, std::memory_order_acq_rel) & kRunning) == 0;
  }
  [[nodiscard]] Then then() const { return then_; }
  [[nodiscard]] std::chrono::steady_clock::time_point ended() const { return ended_; }
  /// Gives the kept memory back: for connections that stay idle. Only when over.
  void release_memory() { std::string{}.swap(head_octets_); }
  void client_closed_its_end() { half_closed_.store(true, std::memory_order_relaxed); }
  /// @}

  bool begin() override { return true; }
  void inform(const ResponseHead& head) override;
  void start(const ResponseHead& head, std::optional<std::uint64_t> content_length) override;
  WriteStatus write(std::string_view block) override;
  WriteStatus write_file(UniqueFd file, std::uint64_t offset, std::uint64_t length) override;
  void finish() override;
  void abort() override;
  bool wait_writable() override { return outbox_.wait_writable(); }
  void when_writable(std::function<void()> resume) override {
    outbox_.when_writable(std::move(resume));
  }
  [[nodiscard]] bool client_gone() const override {
    return half_closed_.load(std::memory_order_relaxed) || outbox_.gone();
  }
  void when_gone(std::function<void()> notify) override;

 private:
  static constexpr unsigned kRunning = 1, kTell = 2;

  WriteStatus send(const ResponseEncoder::Piece& piece);
  void end(Outcome outcome, Then then);

  ServerContext& server_;
  Outbox& outbox_;
  const ConnectionInfo& connection_;
  const Tell tell_;
  ResponseEncoder encoder_;
  HttpDate date_;
  std::string head_octets_;  // encoded and not sent yet
  RequestHead request_{};
  std::chrono::steady_clock::time_point began_{}, ended_{};
  unsigned status_ = 0;
  bool keep_alive_ = false;
  Outcome complete_ = Outcome::complete;
  Then then_ = Then::close;
  std::atomic<unsigned> baton_{0};
  std::atomic<bool> half_closed_{false};
};

}  // namespace spawning
