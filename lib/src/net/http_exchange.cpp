// SPDX-License-Identifier: MIT
#include "net/http_exchange.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace spawning {
namespace {

iovec piece_of(std::string_view octets) {
  return {const_cast<char*>(octets.data()),
          octets.size()};  // iovec serves reading too; sending only reads
}

}  // namespace

HttpExchange::HttpExchange(ServerContext& server, Outbox& outbox, const ConnectionInfo& connection,
                           Tell tell)
    : server_{server}, outbox_{outbox}, connection_{connection}, tell_{std::move(tell)} {}

void HttpExchange::begin(const RequestHead& head, bool keep_alive,
                         std::chrono::steady_clock::time_point now) {
  request_ = head;
  keep_alive_ = keep_alive;
  began_ = now;
  status_ = 0;
  complete_ = Outcome::complete;
  head_octets_.clear();
  encoder_.reset();
  baton_.store(kRunning, std::memory_order_release);
}

void HttpExchange::begin_refusal(const RequestHead& head,
                                 std::chrono::steady_clock::time_point now) {
  begin(head, false, now);
  complete_ = Outcome::refused;
}

void HttpExchange::start(const ResponseHead& head, std::optional<std::uint64_t> content_length) {
  const ResponseContext context{
      .head_request = request_.method == "HEAD",
      .version = request_.version,
      .keep_alive = keep_alive_ && !server_.draining.load(std::memory_order_relaxed),
      .server = server_.config.server};
  encoder_.start(context, head, content_length, date_.at(std::chrono::system_clock::now()),
                 head_octets_);
  status_ = head.status;
}

WriteStatus HttpExchange::write(std::string_view block) { return send(encoder_.frame(block)); }

WriteStatus HttpExchange::send(const ResponseEncoder::Piece& piece) {
  std::array pieces{piece_of(head_octets_), piece_of(piece.prefix), piece_of(piece.block),
                    piece_of(piece.suffix)};
  // The kernel looks at every entry: none that is empty is passed on.
  const auto end = std::remove_if(pieces.begin(), pieces.end(),
                                  [](const iovec& one) { return one.iov_len == 0; });
  const auto count = static_cast<std::size_t>(end - pieces.begin());
  if (count == 0) return outbox_.gone() ? WriteStatus::gone : WriteStatus::ok;
  const auto status = outbox_.send({pieces.data(), count});
  head_octets_.clear();
  return status;
}

void HttpExchange::inform(const ResponseHead&) {}
WriteStatus HttpExchange::write_file(UniqueFd, std::uint64_t, std::uint64_t) {
  return WriteStatus::ok;
}
void HttpExchange::when_gone(std::function<void()>) {}

void HttpExchange::finish() {
  const std::string_view terminator = encoder_.finish();
  if (!head_octets_.empty() || !terminator.empty()) send({terminator, {}, {}});
  if (!encoder_.complete()) {
    server_.log.error("the response to " + std::string{request_.method} + " " +
                      std::string{request_.path} +
                      " is shorter than its Content-Length; the connection was closed");
    return abort();
  }
  if (encoder_.overrun()) {
    server_.log.warning("the response to " + std::string{request_.method} + " " +
                        std::string{request_.path} + " was cut at its Content-Length");
  }
  end(complete_, encoder_.keep_alive() ? Then::keep_alive : Then::close);
}

void HttpExchange::abort() {
  // Where the end of the connection is the end of the body, only a reset tells the client that it
  // is not whole.
  const bool framed = encoder_.delimits_itself() || status_ == 0;
  end(Outcome::aborted, framed ? Then::close : Then::reset);
}

void HttpExchange::end(Outcome outcome, Then then) {
  ended_ = std::chrono::steady_clock::now();
  then_ = then;
  if (server_.observer != nullptr) {
    server_.observer->exchange_ended({.method = request_.method,
                                      .target = request_.target,
                                      .version = request_.version,
                                      .status = status_,
                                      .outcome = outbox_.gone() ? Outcome::client_gone : outcome,
                                      .body_octets = encoder_.body_octets(),
                                      .duration = ended_ - began_,
                                      .connection = &connection_});
  }
  // From here on everything belongs to the I/O thread, but for what tell() itself needs: the
  // connection, which the caller's reference keeps.
  const bool close = then != Then::keep_alive;
  const unsigned before = baton_.exchange(0, std::memory_order_acq_rel);
  if ((before & kTell) != 0 || close) tell_();
}

}  // namespace spawning
