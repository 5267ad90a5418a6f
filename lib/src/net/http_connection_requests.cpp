// SPDX-License-Identifier: MIT
// The way of one request through its connection: head, body, Handler, and back.
#include "net/http_connection.hpp"

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <string>

#include "http/call_handler.hpp"
#include "http/status_line.hpp"

namespace spawning {

void HttpConnection::process() {
  while (phase_ == Phase::head) {
    if (!carried_.empty()) return leave();
    if (begin_ == end_) {
      if (!reading_) begin_ = end_ = 0;
      if (handing_over() && !request_begun()) return leave();
      return read();
    }
    if (!(proxy_header_ ? take_proxy_header() : parse_head())) return;
  }
}

// Of a connection that a proxy passes on, before its first request.
bool HttpConnection::take_proxy_header() {
  if (!server_->config.forwarded_allow.trusts(info_.peer)) {
    refuse(ProxyHeaderDecoder::untrusted_refusal());
    return false;
  }
  std::size_t consumed = 0;
  const auto status = proxy_header_->decode(input(), consumed);
  begin_ += consumed;
  if (status == ProxyHeaderDecoder::Status::refused) {
    refuse(proxy_header_->refusal());
    return false;
  }
  if (status == ProxyHeaderDecoder::Status::done) {
    if (proxy_header_->ends()) info_ = *proxy_header_->ends();
    proxied_ = true;
    proxy_header_.reset();
  }
  return true;
}

bool HttpConnection::parse_head() {
  switch (parser_.parse(input())) {
    case RequestParser::Status::incomplete:
      if (input_ended_ || (server_->closing && !parser_.started())) {
        begin_close();
        return false;
      }
      if (handing_over() && !parser_.started()) {
        leave();
        return false;
      }
      if (input_deadline_.kind() != Deadlines::Kind::header || !input_deadline_.armed()) {
        server_->deadlines.arm(input_deadline_, Deadlines::Kind::header,
                               std::chrono::steady_clock::now());
      }
      read();
      return false;
    case RequestParser::Status::refused:
      refuse(parser_.refusal());
      return false;
    case RequestParser::Status::complete:
      break;
  }
  if (const auto refusal = frame_request(parser_.head(), server_->config.limits, framing_)) {
    refuse(*refusal);
    return false;
  }
  // RFC 9110 §7.4: only a gateway that we trust can have secured the way to us.
  if (parser_.head().scheme == "https" && !server_->config.forwarded_allow.trusts(info_.peer)) {
    refuse(refusal_for(RefusalReason::misdirected, "https target over plain HTTP"));
    return false;
  }
  if (!parser_.head().dropped.empty()) note_dropped();
  return begin_body();
}

void HttpConnection::note_dropped() {
  const auto names = parser_.head().dropped;
  if (server_->observer != nullptr) server_->observer->fields_dropped(names.size());
  for (const std::string_view name : names) {
    if (!server_->dropped_names.is_new(name)) continue;
    server_->log.warning("header fields named " + std::string{name} +
                         " are dropped: with an underscore they could pass for others; "
                         "--header-map says what becomes of them");
  }
}

bool HttpConnection::begin_body() {
  const std::size_t body_begin = begin_ + parser_.consumed();
  const std::string_view here{buffer_.octets.get() + body_begin, end_ - body_begin};
  request_end_ = body_begin;
  if (framing_.kind == Framing::Kind::none) {
    dispatch();
    return true;
  }
  if (framing_.kind == Framing::Kind::length && framing_.content_length <= here.size()) {
    const auto length = static_cast<std::size_t>(framing_.content_length);
    body_.borrow(here.substr(0, length));
    request_end_ += length;
    dispatch();
    return true;
  }
  if (framing_.expect_continue && here.empty()) {
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    iovec piece{const_cast<char*>(kContinue.data()), kContinue.size()};
    if (outbox_.send({&piece, 1}) == WriteStatus::gone) return false;
  }
  body_began_ = std::chrono::steady_clock::now();
  server_->deadlines.arm(input_deadline_, Deadlines::Kind::body, body_began_);
  phase_ = Phase::body;
  chunks_.reset();
  end_ = body_begin;  // the octets that are here are fed now; the buffer keeps the head
  if (here.empty()) {
    read();
  } else {
    feed_body(here);
  }
  if (phase_ == Phase::body && input_ended_) begin_close();
  return phase_ == Phase::head;
}

void HttpConnection::feed_body(std::string_view octets) {
  try {
    if (framing_.kind == Framing::Kind::length) {
      const std::string_view mine =
          octets.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(
                               octets.size(), framing_.content_length - body_.size())));
      body_.append(mine);
      if (body_.size() == framing_.content_length) return body_complete(octets.substr(mine.size()));
    } else {
      std::size_t consumed = 0;
      const auto status = chunks_.decode(octets, body_, consumed);
      if (status == ChunkDecoder::Status::refused) return refuse(chunks_.refusal());
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
  const auto elapsed = now - body_began_;
  if (elapsed <= server_->config.timeouts.body) return false;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(elapsed).count();
  return body_.size() / static_cast<std::uint64_t>(seconds + 1) < server_->config.body_rate.count;
}

// `next` are octets behind the body, in one of the two buffers: the beginning of the next request.
void HttpConnection::body_complete(std::string_view next) {
  if (!next.empty()) {
    const bool same_buffer = !body_buffer_ || next.data() < body_buffer_.octets.get() ||
                             next.data() >= body_buffer_.octets.get() + body_buffer_.size;
    if (same_buffer) {
      // They stand behind the chunks that have just been decoded: close the gap.
      std::memmove(buffer_.octets.get() + end_, next.data(), next.size());
    } else {
      const char* const before = buffer_.octets.get() + begin_;
      static_cast<void>(make_room(next.size()));  // always succeeds: nobody is answering yet
      if (buffer_.octets.get() + begin_ != before) {
        parser_.reset();
        static_cast<void>(parser_.parse(input()));  // the same head at its new address
        request_end_ = end_;
      }
      std::memcpy(buffer_.octets.get() + end_, next.data(), next.size());
    }
    end_ += next.size();
  }
  if (body_buffer_) server_->body_buffers.give_back(std::exchange(body_buffer_, {}));
  dispatch();
}

// Leaves phase_ at `busy`, or, if the answer is there already, at what follows it.
void HttpConnection::dispatch() {
  save_memory();
  const auto now = std::chrono::steady_clock::now();
  const RequestHead& head = parser_.head();
  phase_ = Phase::busy;
  server_->deadlines.arm(input_deadline_,
                         input_ended_ ? Deadlines::Kind::half_closed : Deadlines::Kind::quiet, now);
  if (server_->limits_requests())
    server_->deadlines.arm(request_deadline_, Deadlines::Kind::request, now);
  Origin origin = forwarded_.read(head, info_.peer, server_->config.forwarded_allow);
  exchange_.begin_exchange(head, *origin.client, may_keep_alive(), now);
  std::string_view id;
  if (server_->config.request_id) {
    const bool trusted = server_->config.forwarded_allow.trusts(info_.peer);
    origin.headers = tag().take(origin.headers, trusted, server_->request_ids);
    id = tag().id();
  }
  exchange_.note_request(parser_.consumed() + body_.size(), id);
  const Request request{.method = head.method,
                        .target = head.target,
                        .path = head.path,
                        .query = head.query,
                        .host = origin.host,
                        .scheme = origin.scheme,
                        .version = head.version,
                        .headers = origin.headers,
                        .body = &body_,
                        .connection = &info_,
                        .client = origin.client,
                        .received = now};
  if (requests_ == 1 && left_while_waiting()) return drop_request();
  call_handler(server_->handler, request,
               Responder{std::shared_ptr<Exchange>{shared_from_this(), &exchange_}}, server_->log);
  if (phase_ != Phase::busy) return;  // the Handler has drained or destroyed the server
  // With more requests here, or no room to read on, nothing but the answer can get things going
  // again.
  const bool more = end_ > request_end_ || input_ended_ || buffer_.size == end_ || leaving();
  if (more ? exchange_.over_or_tell() : exchange_.over()) return hand_back();
  read_ahead();  // also with requests waiting here: the client's end must be noticed
}

// The first request of a connection may have waited in the kernel's queue, and its client may have
// hung up there. A FIN that has just come may be of one who waits for the answer, as later.
bool HttpConnection::left_while_waiting() {
  const int fd = socket_->native_handle();
  char octet = 0;
  if (input_ended_ || ::recv(fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) != 0) return false;
  pollfd ended{fd, 0, 0};
  if (::poll(&ended, 1, 0) == 1 && (ended.revents & POLLHUP) != 0) return true;
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return false;  // no TCP
  return std::chrono::milliseconds{info.tcpi_last_data_recv} >=
         server_->config.timeouts.half_closed;
}

// Its client has gone: there is nobody to answer.
void HttpConnection::drop_request() {
  outbox_.mark_gone();
  Responder responder{std::shared_ptr<Exchange>{shared_from_this(), &exchange_}};
  static_cast<void>(responder.begin());  // says no, and records it
  close();
}

bool HttpConnection::may_keep_alive() {
  const std::size_t limit = server_->config.keep_alive_requests;
  ++requests_;
  return framing_.keep_alive && server_->config.keep_alive && (limit == 0 || requests_ < limit);
}

// A request may take too long: here in the queue, or with whoever works on it.
void HttpConnection::check_request() {
  if (phase_ != Phase::busy) return;
  const auto now = std::chrono::steady_clock::now();
  switch (exchange_.check_timeouts(now)) {
    case HttpExchange::Verdict::none:
      return server_->deadlines.arm(request_deadline_, Deadlines::Kind::recheck, now);
    case HttpExchange::Verdict::answered:
      return begin_close();
    case HttpExchange::Verdict::broken:
      return reset();
  }
}

TaggedRequest& HttpConnection::tag() {
  if (!tag_) tag_ = std::make_unique<TaggedRequest>();
  return *tag_;
}

// The answer to what is malformed, over a limit or too late: short, plain, and the last on its
// connection.
void HttpConnection::refuse(const Refusal& refusal) {
  if (server_->log.enabled(LogLevel::debug)) {
    server_->log.debug("refused a request of " + info_.peer.to_string() + " with " +
                       std::to_string(refusal.status) + ": " + std::string{refusal.rule});
  }
  request_end_ = end_;
  phase_ = Phase::busy;
  server_->deadlines.disarm(input_deadline_);
  RequestHead head = parser_.head();
  const Address* client = &info_.peer;
  if (parser_.complete()) {
    client = forwarded_.read(head, info_.peer, server_->config.forwarded_allow).client;
  } else {  // the parser may still show what the request before it said
    head.path = head.query = head.host = head.scheme = {};
    head.headers = {};
  }
  exchange_.begin_refusal(head, *client, refusal.reason, std::chrono::steady_clock::now());
  if (server_->config.request_id) static_cast<void>(tag().take({}, false, server_->request_ids));
  exchange_.note_request(end_ - begin_, tag_ ? tag_->id() : std::string_view{});
  const std::string body = status_body(refusal.status);
  static constexpr std::array kHeaders{Header{"Content-Type", "text/plain; charset=utf-8"}};
  Responder{std::shared_ptr<Exchange>{shared_from_this(), &exchange_}}.respond(
      {.status = refusal.status, .reason = {}, .headers = kHeaders}, body);
  hand_back();
}

void HttpConnection::look_again() {
  if (phase_ != Phase::busy || !exchange_.over()) return;  // seen already; this note is an old one
  hand_back();
  process();
}

void HttpConnection::hand_back() {
  server_->deadlines.disarm(request_deadline_);
  if (exchange_.then() == HttpExchange::Then::pass_on) return carry_request();
  body_.clear();
  begin_ = request_end_;
  parser_.reset();
  moves_ = 0;
  phase_ = Phase::head;
  switch (exchange_.then()) {
    case HttpExchange::Then::reset:
      return reset();
    case HttpExchange::Then::close:
      return begin_close();
    case HttpExchange::Then::keep_alive:
    case HttpExchange::Then::pass_on:
      break;
  }
  if (begin_ != end_) return;
  if (input_ended_) return begin_close();
  if (leaving()) leave();
}

}  // namespace spawning
