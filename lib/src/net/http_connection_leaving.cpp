// SPDX-License-Identifier: MIT
// A connection without a request: how it waits, and how it leaves a server that drains.
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "net/http_connection.hpp"

namespace spawning {

// There is something to read, at least the end.
void HttpConnection::look_for_end() {
  char octet = 0;
  const ssize_t count = ::recv(socket_.get(), &octet, sizeof octet, MSG_PEEK | MSG_DONTWAIT);
  if (count > 0) return;  // the next request's
  if (count == 0) return on_input_end(true);
  if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) return on_input_end(false);
  readable_ = errno == EINTR;
  read();
}

void HttpConnection::drain() {
  if (phase_ == Phase::busy) {
    if (!active_->exchange.over_or_tell()) return;
    hand_back();
    return process();
  }
  if (phase_ == Phase::head) leave();
}

bool HttpConnection::move_away() {
  look_again();
  if (phase_ != Phase::head || !nothing_read()) return false;
  if (request_begun() || input_ended_ || !nothing_unsent()) return false;
  hand_over();
  return true;
}

bool HttpConnection::request_begun() const {
  return (active_ && active_->parser.started()) || (proxy_header_ && proxy_header_->started());
}

// Gives the connection away, or closes it, unless there is a request to answer first. What is here
// of the octets of none is an empty line at most (RFC 9112 §2.2).
void HttpConnection::leave() {
  if (phase_ != Phase::head || (active_ && active_->parser.started())) return;
  if (held_up_) return;  // there are requests here, to which flush() comes
  if (!handing_over()) return close_idle();
  if (request_begun()) return;  // a PROXY header has
  if (input_ended_ || (!nothing_read() && active_->input().back() != '\n')) return begin_close();
  if (!nothing_unsent()) return;  // flush() leads here again
  hand_over();
}

// The body came in pieces, and the buffer has only the head.
bool HttpConnection::body_is_apart() const {
  return active_->request_end == active_->begin + active_->parser.consumed() &&
         active_->body.size() > 0;
}

// Of a chunked body the framing is gone. Until the connection leaves the buffer may fill up.
bool HttpConnection::portable() const {
  if (active_->framing.kind == Framing::Kind::chunked || moves_ >= kMostMoves) return false;
  return active_->buffer.size + (body_is_apart() ? active_->body.size() : 0) <=
         HandedConnection::kMostOctets;
}

// Its request is passed on.
void HttpConnection::carry_request() {
  server_->deadlines.disarm(input_deadline_);
  std::string octets{active_->input().substr(0, active_->request_end - active_->begin)};
  if (body_is_apart()) octets += active_->body.unread_in_memory();
  active_->body.clear();
  active_->begin = active_->request_end;
  active_->parser.reset();
  --requests_;
  octets += active_->input();
  hand_over(std::move(octets));
}

// `octets` are a request that is passed on, and what is here behind it.
void HttpConnection::hand_over(std::string octets) {
  HandedConnection handed{.requests = requests_};
  if (proxied_) handed.proxied = info_;
  if (!octets.empty()) {
    handed.octets = std::move(octets);
    handed.moves = moves_ + 1;
  }
  if (active_) active_->outbox.mark_gone();
  if (phase_ == Phase::closed) return;  // whoever was told has ended the server
  phase_ = Phase::closed;
  const auto alive = shared_from_this();
  server_->poll_set->remove(socket_.get(), *this);
  handed.socket = std::move(socket_);
  leave_server();
  server_->hand_over(std::move(handed));
  server_->connection_closed();
}

// A request that is on its way already deserves its answer, which will carry `Connection: close`.
// The first one of a connection is. Else there is nothing to linger for.
void HttpConnection::close_idle() {
  if (!nothing_unsent()) return begin_close();
  int available = 0;
  if (::ioctl(socket_.get(), FIONREAD, &available) == 0 && available > 0) return read();
  if (requests_ > 0 || input_ended_) return close();
  if (input_deadline_.armed() && input_deadline_.kind() == Deadlines::Kind::farewell) return;
  server_->deadlines.arm(input_deadline_, Deadlines::Kind::farewell,
                         std::chrono::steady_clock::now());
  read();
}

}  // namespace spawning
