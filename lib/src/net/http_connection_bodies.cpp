// SPDX-License-Identifier: MIT
// How the body of a request comes in, between its head and its Handler.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include "net/http_connection.hpp"

namespace spawning {

bool HttpConnection::begin_body() {
  const std::size_t body_begin = active_->begin + active_->parser.consumed();
  const std::string_view here{active_->buffer.octets.get() + body_begin, active_->end - body_begin};
  active_->request_end = body_begin;
  if (active_->framing.kind == Framing::Kind::none) {
    dispatch();
    return true;
  }
  if (active_->framing.kind == Framing::Kind::length &&
      active_->framing.content_length <= here.size()) {
    const auto length = static_cast<std::size_t>(active_->framing.content_length);
    active_->body.borrow(here.substr(0, length));
    active_->request_end += length;
    dispatch();
    return true;
  }
  if (active_->framing.expect_continue && here.empty()) {
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    iovec piece{const_cast<char*>(kContinue.data()), kContinue.size()};
    if (active_->outbox.send({&piece, 1}) == WriteStatus::gone) return false;
  }
  active_->body_began = std::chrono::steady_clock::now();
  server_->deadlines.arm(input_deadline_, Deadlines::Kind::body, active_->body_began);
  phase_ = Phase::body;
  active_->chunks.reset();
  active_->end = body_begin;  // the octets that are here are fed now; the buffer keeps the head
  if (here.empty()) {
    read();
  } else {
    feed_body(here);
  }
  if (phase_ == Phase::body && input_ended_) begin_close();
  if (phase_ == Phase::body && server_->read_buffers.many()) save_memory();
  return phase_ == Phase::head;
}

void HttpConnection::feed_body(std::string_view octets) {
  try {
    if (active_->framing.kind == Framing::Kind::length) {
      const std::string_view mine = octets.substr(
          0, static_cast<std::size_t>(std::min<std::uint64_t>(
                 octets.size(), active_->framing.content_length - active_->body.size())));
      active_->body.append(mine);
      if (active_->body.size() == active_->framing.content_length)
        return body_complete(octets.substr(mine.size()));
    } else {
      std::size_t consumed = 0;
      const auto status = active_->chunks.decode(octets, active_->body, consumed);
      if (status == ChunkDecoder::Status::refused) return refuse(active_->chunks.refusal());
      if (status == ChunkDecoder::Status::done) return body_complete(octets.substr(consumed));
    }
  } catch (const std::system_error& error) {
    server_->log.error("a request of " + info_.peer.to_string() +
                       " was refused with 507, as its body cannot be spooled: " + error.what());
    return refuse(refusal_for(RefusalReason::storage, "the spool file cannot be written"));
  }
  const auto now = std::chrono::steady_clock::now();
  if (too_slow(now))
    return refuse(refusal_for(RefusalReason::body_timeout, "the body came in too slowly"));
  server_->deadlines.arm(input_deadline_, Deadlines::Kind::body, now);
  read();
}

// On average, so that a pause does no harm to who was fast before.
bool HttpConnection::too_slow(std::chrono::steady_clock::time_point now) const {
  const auto elapsed = now - active_->body_began;
  if (elapsed <= server_->config.timeouts.body) return false;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(elapsed).count();
  return active_->body.size() / static_cast<std::uint64_t>(seconds + 1) <
         server_->config.body_rate.count;
}

// `next` are octets behind the body, in the passage or in the buffer: the beginning of the next request.
void HttpConnection::body_complete(std::string_view next) {
  if (!next.empty()) {
    const char* const passage = server_->passage.octets.get();
    if (next.data() < passage || next.data() >= passage + server_->passage.size) {
      // They stand behind the chunks that have just been decoded: close the gap.
      std::memmove(active_->buffer.octets.get() + active_->end, next.data(), next.size());
    } else {
      const char* const before = active_->buffer.octets.get() + active_->begin;
      static_cast<void>(make_room(next.size()));  // always succeeds: nobody is answering yet
      if (active_->buffer.octets.get() + active_->begin != before) {
        active_->parser.reset();
        static_cast<void>(
            active_->parser.parse(active_->input()));  // the same head at its new address
        active_->request_end = active_->end;
      }
      std::memcpy(active_->buffer.octets.get() + active_->end, next.data(), next.size());
    }
    active_->end += next.size();
  }
  dispatch();
}

}  // namespace spawning
