// SPDX-License-Identifier: MIT
// The way of one request through its connection: head, body, Handler, and back.
#include "net/http_connection.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <string>

#include "http/call_handler.hpp"
#include "http/status_line.hpp"

namespace spawning {

void HttpConnection::process() {
  while (phase_ == Phase::head) {
    if (active_->begin == active_->end) {
      active_->begin = active_->end = 0;
      if (handing_over() && !request_begun()) return leave();
      return read();
    }
    if (active_->outbox.holds_up()) return hold_up();
    held_up_ = false;
    if (!(proxy_header_ ? take_proxy_header() : parse_head())) return;
  }
}

// Who asks without reading the answers would otherwise make them pile up, in files and descriptors. What
// ends this is the deadline for writing.
void HttpConnection::hold_up() {
  held_up_ = true;
  server_->deadlines.arm(input_deadline_, Deadlines::Kind::quiet, std::chrono::steady_clock::now());
}

void HttpConnection::go_on() {
  if (held_up_ && phase_ == Phase::head) process();
}

// Of a connection that a proxy passes on, before its first request.
bool HttpConnection::take_proxy_header() {
  if (!server_->config.forwarded_allow.trusts(info_.peer)) {
    refuse(ProxyHeaderDecoder::untrusted_refusal());
    return false;
  }
  std::size_t consumed = 0;
  const auto status = proxy_header_->decode(active_->input(), consumed);
  active_->begin += consumed;
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
  switch (active_->parser.parse(active_->input())) {
    case RequestParser::Status::incomplete:
      if (input_ended_ || (server_->closing && !active_->parser.started())) {
        begin_close();
        return false;
      }
      if (handing_over() && !active_->parser.started()) {
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
      refuse(active_->parser.refusal());
      return false;
    case RequestParser::Status::complete:
      break;
  }
  if (const auto refusal =
          frame_request(active_->parser.head(), server_->config.limits, active_->framing)) {
    refuse(*refusal);
    return false;
  }
  // RFC 9110 §7.4: only a gateway that we trust can have secured the way to us.
  if (active_->parser.head().scheme == "https" &&
      !server_->config.forwarded_allow.trusts(info_.peer)) {
    refuse(refusal_for(RefusalReason::misdirected, "https target over plain HTTP"));
    return false;
  }
  if (!active_->parser.head().dropped.empty()) note_dropped();
  return begin_body();
}

void HttpConnection::note_dropped() {
  const auto names = active_->parser.head().dropped;
  if (server_->observer != nullptr) server_->observer->fields_dropped(names.size());
  for (const std::string_view name : names) {
    if (!server_->dropped_names.is_new(name)) continue;
    server_->log.warning("header fields named " + std::string{name} +
                         " are dropped: with an underscore they could pass for others; "
                         "--header-map says what becomes of them");
  }
}

// Leaves phase_ at `busy`, or, if the answer is there already, at what follows it.
void HttpConnection::dispatch() {
  const bool crowded = server_->read_buffers.many();
  if (crowded) save_memory();
  const auto now = std::chrono::steady_clock::now();
  const RequestHead& head = active_->parser.head();
  phase_ = Phase::busy;
  server_->deadlines.arm(input_deadline_,
                         input_ended_ ? Deadlines::Kind::half_closed : Deadlines::Kind::quiet, now);
  if (server_->limits_requests())
    server_->deadlines.arm(active_->request_deadline, Deadlines::Kind::request, now);
  Origin origin = active_->forwarded.read(head, info_.peer, server_->config.forwarded_allow);
  active_->exchange.begin_exchange(head, *origin.client, may_keep_alive(), now);
  if (crowded) active_->exchange.keep_no_memory();
  if (is_safe(head.method) && next_is_here() && !leaving()) active_->exchange.note_next();
  std::string_view id;
  if (server_->config.request_id) {
    const bool trusted = server_->config.forwarded_allow.trusts(info_.peer);
    origin.headers = tag().take(origin.headers, trusted, server_->request_ids);
    id = tag().id();
  }
  active_->exchange.note_request(active_->parser.consumed() + active_->body.size(), id);
  const Request request{.method = head.method,
                        .target = head.target,
                        .path = head.path,
                        .query = head.query,
                        .host = origin.host,
                        .scheme = origin.scheme,
                        .version = head.version,
                        .headers = origin.headers,
                        .body = &active_->body,
                        .connection = &info_,
                        .client = origin.client,
                        .received = now};
  if (requests_ == 1 && left_while_waiting()) return drop_request();
  call_handler(server_->handler, request,
               Responder{std::shared_ptr<Exchange>{shared_from_this(), &active_->exchange}},
               server_->log);
  if (phase_ != Phase::busy) return;  // the Handler has drained or destroyed the server
  // With more requests here, or no room to read on, nothing but the answer can get things going
  // again.
  const bool more = active_->end > active_->request_end || input_ended_ ||
                    active_->buffer.size == active_->end || leaving();
  if (more ? active_->exchange.over_or_tell() : active_->exchange.over()) return hand_back();
  read();  // also with requests waiting here: the client's end must be noticed
}

// What has changed something is said to be done before the next request may take us down.
bool HttpConnection::is_safe(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

// The head of the next request, whole.
bool HttpConnection::next_is_here() const {
  const std::string_view behind{active_->buffer.octets.get() + active_->request_end,
                                active_->end - active_->request_end};
  return behind.find("\r\n\r\n") != std::string_view::npos;
}

// The first request of a connection may have waited in the kernel's queue, and its client may have
// hung up there. A FIN that has just come may be of one who waits for the answer, as later.
bool HttpConnection::left_while_waiting() {
  const int fd = socket_.get();
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
  active_->outbox.mark_gone();
  Responder responder{std::shared_ptr<Exchange>{shared_from_this(), &active_->exchange}};
  static_cast<void>(responder.begin());  // says no, and records it
  close();
}

bool HttpConnection::may_keep_alive() {
  const std::size_t limit = server_->config.keep_alive_requests;
  ++requests_;
  return active_->framing.keep_alive && server_->config.keep_alive &&
         (limit == 0 || requests_ < limit);
}

// A request may take too long: here in the queue, or with whoever works on it.
void HttpConnection::check_request() {
  if (phase_ != Phase::busy) return;
  const auto now = std::chrono::steady_clock::now();
  switch (active_->exchange.check_timeouts(now)) {
    case HttpExchange::Verdict::none:
      return server_->deadlines.arm(active_->request_deadline, Deadlines::Kind::recheck, now);
    case HttpExchange::Verdict::answered:
      return begin_close();
    case HttpExchange::Verdict::broken:
      return reset();
  }
}

TaggedRequest& HttpConnection::tag() {
  if (!active_->tag) active_->tag = std::make_unique<TaggedRequest>();
  return *active_->tag;
}

// The answer to what is malformed, over a limit or too late: short, plain, and the last on its
// connection.
void HttpConnection::refuse(const Refusal& refusal) {
  if (server_->log.enabled(LogLevel::debug)) {
    server_->log.debug("refused a request of " + info_.peer.to_string() + " with " +
                       std::to_string(refusal.status) + ": " + std::string{refusal.rule});
  }
  active_->request_end = active_->end;
  phase_ = Phase::busy;
  server_->deadlines.disarm(input_deadline_);
  RequestHead head = active_->parser.head();
  const Address* client = &info_.peer;
  if (active_->parser.complete()) {
    client = active_->forwarded.read(head, info_.peer, server_->config.forwarded_allow).client;
  } else {  // the parser may still show what the request before it said
    head.path = head.query = head.host = head.scheme = {};
    head.headers = {};
  }
  active_->exchange.begin_refusal(head, *client, refusal.reason, std::chrono::steady_clock::now());
  if (server_->config.request_id) static_cast<void>(tag().take({}, false, server_->request_ids));
  active_->exchange.note_request(active_->end - active_->begin,
                                 active_->tag ? active_->tag->id() : std::string_view{});
  const std::string body = status_body(refusal.status);
  static constexpr std::array kHeaders{Header{"Content-Type", "text/plain; charset=utf-8"}};
  Responder{std::shared_ptr<Exchange>{shared_from_this(), &active_->exchange}}.respond(
      {.status = refusal.status, .reason = {}, .headers = kHeaders}, body);
  hand_back();
}

void HttpConnection::look_again() {
  if (phase_ != Phase::busy || !active_->exchange.over())
    return;  // seen already; this note is an old one
  hand_back();
  process();
}

void HttpConnection::hand_back() {
  server_->deadlines.disarm(active_->request_deadline);
  if (active_->exchange.then() == HttpExchange::Then::pass_on) return carry_request();
  active_->body.clear();
  active_->begin = active_->request_end;
  active_->parser.reset();
  moves_ = 0;
  phase_ = Phase::head;
  switch (active_->exchange.then()) {
    case HttpExchange::Then::reset:
      return reset();
    case HttpExchange::Then::close:
      return begin_close();
    case HttpExchange::Then::keep_alive:
    case HttpExchange::Then::pass_on:
      break;
  }
  if (active_->begin != active_->end) return;
  if (input_ended_) return begin_close();
  if (leaving()) leave();
}

}  // namespace spawning
