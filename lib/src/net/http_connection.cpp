// SPDX-License-Identifier: MIT
#include "net/http_connection.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/post.hpp>
#include <utility>

namespace spawning {

HttpConnection::HttpConnection(std::shared_ptr<ServerContext> server, UniqueFd socket,
                               HandedConnection before)
    : server_{std::move(server)},
      socket_{std::move(socket)},
      info_{.peer = Address::peer(socket_.get()), .local = Address::local(socket_.get())},
      proxy_header_{server_->config.proxy_protocol && !before.proxied && before.requests == 0
                        ? std::make_unique<ProxyHeaderDecoder>()
                        : nullptr},
      requests_{before.requests},
      moves_{before.moves},
      proxied_{before.proxied.has_value()},
      read_until_empty_{info_.local.family == Address::Family::unix_path} {
  if (before.proxied) info_ = *std::move(before.proxied);
  if (before.octets.empty()) return;
  become_active();
  static_cast<void>(make_room(before.octets.size() + kLeastRoom));  // nobody looks at it yet
  active_->end = before.octets.copy(active_->buffer.octets.get(), before.octets.size());
}

void HttpConnection::start() {
  registration_ = server_->connections.insert(server_->connections.end(), shared_from_this());
  try {
    server_->poll_set->add(socket_.get(), *this);
  } catch (...) {
    server_->connections.erase(registration_);
    throw;
  }
  if (server_->observer != nullptr) server_->observer->connection_opened();
  server_->deadlines.arm(input_deadline_,
                         requests_ == 0 ? Deadlines::Kind::header : Deadlines::Kind::idle,
                         std::chrono::steady_clock::now());
  if (!nothing_read()) return process();
  read();
}

void HttpConnection::become_active() {
  if (active_) return;
  void* const place = server_->active.take();
  try {
    active_ = {::new (place) ActiveState{*this, *server_, socket_.get(), info_, *this, *this},
               GiveBack{&server_->active}};
  } catch (...) {
    server_->active.give_back(place);
    throw;
  }
}

// What somebody looks at still goes with the connection.
void HttpConnection::rest() {
  if (!active_ || !active_->exchange.over()) return;
  server_->deadlines.disarm(active_->output_deadline);
  server_->deadlines.disarm(active_->request_deadline);
  if (active_->buffer) server_->read_buffers.give_back(std::move(active_->buffer));
  active_.reset();
}

// A second or more after a request was dispatched: is it still running, or has the connection
// become idle?
void HttpConnection::check_quiet() {
  if (phase_ == Phase::busy && active_->exchange.over()) hand_back();
  const auto now = std::chrono::steady_clock::now();
  if (phase_ == Phase::busy || (phase_ == Phase::head && !nothing_unsent())) {
    return server_->deadlines.arm(input_deadline_, Deadlines::Kind::quiet, now);
  }
  if (phase_ != Phase::head || !active_) return;
  if (!nothing_read()) return process();
  server_->deadlines.arm(input_deadline_, Deadlines::Kind::idle, active_->exchange.ended());
  rest();
  read();
}

void HttpConnection::expired(Deadlines::Kind kind) {
  switch (kind) {
    case Deadlines::Kind::quiet:
      return check_quiet();
    case Deadlines::Kind::header:
      if (!active_) return close();
      // Again, because the octets may have moved since, and the record of the refusal quotes them.
      static_cast<void>(active_->parser.parse(active_->input()));
      if (!active_->parser.started()) return close();
      return refuse(refusal_for(RefusalReason::header_timeout, "the head did not arrive in time"));
    case Deadlines::Kind::body:
      return refuse(refusal_for(RefusalReason::body_timeout, "the body did not arrive in time"));
    case Deadlines::Kind::request:
    case Deadlines::Kind::recheck:
      return check_request();
    case Deadlines::Kind::half_closed:
      if (phase_ == Phase::busy && active_->exchange.over()) return look_again();
      return close();
    case Deadlines::Kind::idle:
    case Deadlines::Kind::farewell:
    case Deadlines::Kind::write:
    case Deadlines::Kind::linger:
      return close();
  }
}

void HttpConnection::flush() {
  if (phase_ == Phase::closed || !active_) return;
  if (write_waiting_) return active_->outbox.resume();
  bool progress = false;
  const auto flushed = active_->outbox.flush(progress);
  if (phase_ == Phase::closed) return;  // a producer that was resumed has destroyed the server
  switch (flushed) {
    case Outbox::Flush::failed:
      return close();
    case Outbox::Flush::empty:
      server_->deadlines.disarm(active_->output_deadline);
      if (phase_ == Phase::flush) begin_close();
      go_on();
      if (handing_over()) leave();
      return;
    case Outbox::Flush::blocked:
      break;
  }
  if (progress || !active_->output_deadline.armed()) {
    server_->deadlines.arm(active_->output_deadline, Deadlines::Kind::write,
                           std::chrono::steady_clock::now());
  }
  write_waiting_ = true;
  server_->poll_set->await_output(socket_.get(), *this);
  go_on();
}

void HttpConnection::watch_kept() {
  if (!active_ || active_->kept.watched) return;
  const std::size_t octets = active_->outbox.kept();
  if (octets == 0) return;  // they went with the next ones
  active_->kept = {.watched = true, .octets = octets};
  server_->kept_answers->watch(weak_from_this());
}

bool HttpConnection::look_at_kept() {
  if (!active_) return true;
  KeptOctets& kept = active_->kept;
  const std::size_t before = std::exchange(kept.octets, active_->outbox.kept());
  if (kept.octets < before) kept.looks = 0;  // these are others
  if (kept.octets > 0 && kept.octets != before && ++kept.looks < kMostLooks) return false;
  kept.watched = false;
  if (kept.octets > 0) flush();
  return true;
}

// In stages, so that a client which is still sending does not lose the answer to a reset: RFC 9112
// §9.6.
void HttpConnection::begin_close() {
  server_->deadlines.disarm(input_deadline_);
  if (active_) server_->deadlines.disarm(active_->request_deadline);
  phase_ = Phase::flush;
  if (!nothing_unsent()) return flush();
  if (input_ended_) return close();
  phase_ = Phase::linger;
  if (::shutdown(socket_.get(), SHUT_WR) != 0) return close();
  server_->deadlines.arm(input_deadline_, Deadlines::Kind::linger,
                         std::chrono::steady_clock::now());
  read();
}

// Of TCP: the client must not take what it has for all of it.
void HttpConnection::reset() {
  active_->outbox.send_kept();
  active_->outbox.mark_gone();
  if (phase_ == Phase::closed) return;
  const sockaddr nobody{.sa_family = AF_UNSPEC, .sa_data = {}};
  [[maybe_unused]] const int ignored = ::connect(socket_.get(), &nobody, sizeof nobody);
  close();
}

void HttpConnection::close() {
  if (active_) {
    active_->outbox.send_kept();
    active_->outbox.mark_gone();  // a second time for producers that have asked to be resumed since
  }
  if (phase_ == Phase::closed) return;
  phase_ = Phase::closed;
  // The client is told so even if a process that the application has forked has the socket, too.
  static_cast<void>(::shutdown(socket_.get(), SHUT_RDWR));
  const auto alive = shared_from_this();
  leave_server();
  server_->connection_closed();
}

void HttpConnection::leave_server() {
  server_->deadlines.disarm(input_deadline_);
  if (socket_) server_->poll_set->remove(socket_.get(), *this);
  socket_.reset();
  server_->connections.erase(registration_);
  rest();
  if (active_) leave_under_way();
  if (server_->observer != nullptr) server_->observer->connection_closed();
}

// What it has as an active one ends with its request.
void HttpConnection::leave_under_way() {
  server_->deadlines.disarm(active_->output_deadline);
  server_->deadlines.disarm(active_->request_deadline);
  server_->read_buffers.write_off(active_->buffer);
  active_->exchange.client_went();
  if (!active_->exchange.over()) note_closed_under_way();
}

// Those that have ended are forgotten whenever the vector would grow, so that a note costs little.
void HttpConnection::note_closed_under_way() {
  auto& notes = server_->closed_under_way;
  if (notes.size() == notes.capacity()) {
    std::erase_if(notes, [](const auto& each) { return each.expired(); });
    notes.reserve(std::max<std::size_t>(16, 2 * notes.size()));
  }
  notes.push_back(weak_from_this());
}

void HttpConnection::post_flush() { post(&HttpConnection::flush); }

void HttpConnection::post_close() { post(&HttpConnection::close); }

void HttpConnection::post_kept() { post(&HttpConnection::watch_kept); }

void HttpConnection::post_look() { post(&HttpConnection::look_again); }

void HttpConnection::post(void (HttpConnection::*step)()) {
  boost::asio::post(server_->io, boost::asio::bind_allocator(
                                     HandlerAllocator<std::byte>{posted_},
                                     [self = shared_from_this(), step] { (*self.*step)(); }));
}

}  // namespace spawning
