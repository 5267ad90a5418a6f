// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The right and the duty to answer one request.

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string_view>

#include "spawning/exchange.hpp"
#include "spawning/export.hpp"

namespace SPAWNING_EXPORT spawning {

/// Answers one request: at once with respond(), or in pieces with start(), write()… and finish().
///
/// Destroyed before start() it answers 500; destroyed between start() and finish() it aborts the
/// connection, so that no client takes half a response for a whole one.
///
/// Where a head is a status and a list of fields, as in `respond(200, {{"Content-Type", "text/plain"}},
/// "Hello\n")`, the reason is the usual phrase, and the list lives for as long as the call needs it.
///
/// \par Threads   Any thread, one at a time; it may be kept and used after Handler::handle returns.
/// \par Lifetime  Keeps the request's octets alive until it has finished or is destroyed.
class Responder {
 public:
  explicit Responder(std::shared_ptr<Exchange> exchange) : exchange_{std::move(exchange)} {}
  Responder(Responder&&) noexcept = default;
  Responder& operator=(Responder&& other) noexcept;
  ~Responder();

  /// Work on the request begins on this thread. False if there is no use in it any more; the
  /// Responder is empty then. \see Exchange::begin
  [[nodiscard]] bool begin();

  /// \see Exchange::can_pass_on
  [[nodiscard]] bool can_pass_on() const { return exchange_ && exchange_->can_pass_on(); }

  /// Leaves the request to another Server. The Responder is empty afterwards.
  /// \see Exchange::pass_on
  void pass_on();

  /// Sends an interim response, such as 103 Early Hints, before start().
  /// \throws std::invalid_argument if the head cannot be sent as it is. \see Exchange::inform
  void inform(const ResponseHead& head) {
    if (exchange_) exchange_->inform(head);
  }
  void inform(unsigned status, std::initializer_list<Header> headers) {
    inform(head_of(status, headers));
  }

  /// The whole answer in one gathered write. \throws std::invalid_argument as start().
  void respond(const ResponseHead& head, std::string_view body);
  void respond(unsigned status, std::initializer_list<Header> headers, std::string_view body) {
    respond(head_of(status, headers), body);
  }

  /// States the head; nothing is sent before the first write() or finish().
  /// \param content_length  the body's length where it is known and the head does not say it.
  /// \throws std::invalid_argument if the head cannot be sent as it is; the Responder is unused
  /// still. \throws std::logic_error if it is empty: it has finished, or was moved from.
  void start(const ResponseHead& head, std::optional<std::uint64_t> content_length = std::nullopt);
  void start(unsigned status, std::initializer_list<Header> headers,
             std::optional<std::uint64_t> content_length = std::nullopt) {
    start(head_of(status, headers), content_length);
  }

  /// Sends `block` without waiting. \see WriteStatus
  WriteStatus write(std::string_view block);

  /// Sends a part of a file. \see Exchange::write_file
  WriteStatus write_file(UniqueFd file, std::uint64_t offset, std::uint64_t length);

  /// Completes the response. The Responder is empty afterwards.
  void finish();

  /// Breaks the response off. The Responder is empty afterwards.
  void abort();

  /// Waits until little is unsent; false if the client is gone.
  [[nodiscard]] bool wait_writable() { return exchange_ && exchange_->wait_writable(); }

  /// Calls `resume` once, on the I/O thread, when little is unsent or the client is gone.
  /// At once, if the Responder is empty.
  void when_writable(std::function<void()> resume);

  /// Whether the client is known to have gone.
  [[nodiscard]] bool client_gone() const { return !exchange_ || exchange_->client_gone(); }

  /// Calls `notify` once if the client goes before the end. An empty Responder calls nothing.
  /// \see Exchange::when_gone
  void when_gone(std::function<void()> notify) {
    if (exchange_) exchange_->when_gone(std::move(notify));
  }

  /// Whether start() has been called.
  [[nodiscard]] bool started() const { return started_; }

  /// Whether the right to answer is still here.
  [[nodiscard]] explicit operator bool() const { return exchange_ != nullptr; }

 private:
  static ResponseHead head_of(unsigned status, const std::initializer_list<Header>& headers) {
    return {.status = status, .reason = {}, .headers = {headers.begin(), headers.size()}};
  }
  void answer_for_the_forgetful() noexcept;

  std::shared_ptr<Exchange> exchange_;
  bool started_ = false;
};

}  // namespace spawning
