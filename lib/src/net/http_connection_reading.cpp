// SPDX-License-Identifier: MIT
// How octets come into a connection: when it looks for them, and where they go.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "net/http_connection.hpp"

namespace spawning {

void HttpConnection::ready(PollSet::Events events) {
  const auto alive = shared_from_this();
  readable_ = readable_ || events.input;
  read_until_empty_ = read_until_empty_ || events.broken_up;
  if (events.output && std::exchange(write_waiting_, false)) flush();
  if (phase_ == Phase::closed) return;
  if (readable_ && std::exchange(reading_, false)) on_input();
}

// Not at once, even if there is some: the others come first, and whoever calls this may not be done.
void HttpConnection::read() {
  if (reading_ || input_ended_ || phase_ == Phase::closed) return;
  reading_ = true;
  if (readable_) server_->poll_set->look_again(*this);
}

// Once the request before is answered the next one has all the room: it need not be read in pieces.
//
// A connection that is to leave takes nothing that can go along, or it might find the beginning of
// another request here again and again.
void HttpConnection::on_input() {
  if (phase_ == Phase::busy && active_->exchange.over()) {
    hand_back();
    if (phase_ != Phase::head) return;
    if (!nothing_read()) return process();
  }
  if (phase_ == Phase::busy && handing_over()) return look_for_end();
  if (phase_ == Phase::head && handing_over() && !request_begun()) return leave();
  receive();
}

// What does not fill the room is all there is, with exceptions: epoll(7), question 9.
void HttpConnection::receive() {
  const auto target = room();
  if (!target) return;
  ssize_t count = 0;
  do {
    count = ::recv(socket_.get(), target->data(), target->size(), MSG_DONTWAIT);
  } while (count < 0 && errno == EINTR);
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
    readable_ = false;
    return read();
  }
  if (count <= 0) return on_input_end(count == 0);
  const auto octets = target->first(static_cast<std::size_t>(count));
  if (octets.size() < target->size()) readable_ = read_until_empty_;
  on_read(octets);
}

// Where the next octets go; nowhere while somebody looks at those that would have to move.
std::optional<std::span<char>> HttpConnection::room() {
  become_active();
  const bool discard = phase_ == Phase::flush || phase_ == Phase::linger;
  if (phase_ != Phase::body && !discard) {
    if (!make_room(phase_ == Phase::busy ? 1 : kLeastRoom)) return std::nullopt;
    return std::span{active_->buffer.octets.get() + active_->end,
                     active_->buffer.size - active_->end};
  }
  // Not beyond the body where its length is known: what follows belongs into the other buffer.
  std::size_t size = server_->passage.size;
  if (!discard && active_->framing.kind == Framing::Kind::length) {
    size = static_cast<std::size_t>(
        std::min<std::uint64_t>(size, active_->framing.content_length - active_->body.size()));
  }
  return std::span{server_->passage.octets.get(), size};
}

void HttpConnection::on_read(std::span<char> octets) {
  switch (phase_) {
    case Phase::body:
      feed_body({octets.data(), octets.size()});
      return process();
    case Phase::flush:
    case Phase::linger:
      return read();  // what comes now is not ours to answer
    case Phase::busy:
      active_->end += octets.size();
      if (!active_->exchange.over_or_tell()) return read();
      hand_back();
      return process();
    case Phase::head:
      active_->end += octets.size();
      return process();
    case Phase::closed:
      return;
  }
}

void HttpConnection::on_input_end(bool orderly) {
  input_ended_ = true;
  if (!orderly || phase_ == Phase::linger) return close();
  // A client may shut its sending end and still wait for answers: the running one, those to the
  // requests behind it, and what is queued. It looks the same as one that has left, so after a while
  // it counts as that.
  if (phase_ == Phase::head || phase_ == Phase::body) return begin_close();
  if (phase_ != Phase::busy) return;
  if (active_->exchange.over_or_tell()) return look_again();
  server_->deadlines.arm(input_deadline_, Deadlines::Kind::half_closed,
                         std::chrono::steady_clock::now());
}

// Makes room for reading behind active_->end, by moving what is there or by a larger buffer. False if that
// must wait: somebody is looking at the octets that would move.
bool HttpConnection::make_room(std::size_t least) {
  if (!active_->buffer) {
    active_->buffer = server_->read_buffers.take();
    active_->begin = active_->end = 0;
  }
  if (active_->buffer.size - active_->end >= least) return true;
  if (phase_ == Phase::busy) return false;
  const std::size_t kept = active_->end - active_->begin;
  if (active_->buffer.size - kept >= least) {
    std::memmove(active_->buffer.octets.get(), active_->buffer.octets.get() + active_->begin, kept);
  } else {
    const std::size_t size = std::max(active_->buffer.size * 2, kept + least);
    const bool from_pool = size <= server_->read_buffers.buffer_size();
    Buffer larger = from_pool ? server_->read_buffers.take() : Buffer{size};
    std::memcpy(larger.octets.get(), active_->buffer.octets.get() + active_->begin, kept);
    server_->read_buffers.give_back(std::exchange(active_->buffer, std::move(larger)));
  }
  active_->begin = 0;
  active_->end = kept;
  return true;
}

// A page for each would be much where thousands wait for an answer. Where there are few it stays, since
// to parse the copy again takes a third of a microsecond.
void HttpConnection::save_memory() {
  const std::size_t size = active_->end - active_->begin;
  const bool head_alone = active_->end == active_->begin + active_->parser.consumed();
  if (!head_alone || size > kLargestCopied || active_->buffer.size < kLeastRoom) return;
  const bool fits = size + kSpare <= active_->place.size();
  Buffer smaller = fits ? Buffer::lent(active_->place) : Buffer{size + kSpare};
  std::memcpy(smaller.octets.get(), active_->input().data(), size);
  server_->read_buffers.give_back(std::exchange(active_->buffer, std::move(smaller)));
  active_->begin = 0;
  active_->end = active_->request_end = size;
  active_->parser.reset();
  static_cast<void>(active_->parser.parse(active_->input()));
}

}  // namespace spawning
