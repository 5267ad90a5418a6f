// SPDX-License-Identifier: MIT
#include "net/http_exchange.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace spawning {
namespace {

// From one block of a response to the next.
constexpr std::chrono::milliseconds kQuickly{1};

iovec piece_of(std::string_view octets) {
  return {const_cast<char*>(octets.data()),
          octets.size()};  // iovec serves reading too; sending only reads
}

// The pieces without the empty ones: the kernel looks at every entry.
template <std::size_t Size>
std::span<iovec> without_empty(std::array<iovec, Size>& pieces) {
  const auto end = std::remove_if(pieces.begin(), pieces.end(),
                                  [](const iovec& one) { return one.iov_len == 0; });
  return {pieces.data(), static_cast<std::size_t>(end - pieces.begin())};
}

}  // namespace

HttpExchange::HttpExchange(ServerContext& server, Outbox& outbox, const ConnectionInfo& info,
                           Connection& connection)
    : server_{server}, outbox_{outbox}, info_{info}, connection_{connection} {}

void HttpExchange::begin_exchange(const RequestHead& head, const Address& client, bool keep_alive,
                                  Time now) {
  request_ = head;
  client_ = &client;
  keep_alive_ = keep_alive;
  keeps_memory_ = true;
  next_is_here_ = false;
  began_ = begun_ = now;
  status_ = 0;
  refusal_.reset();
  head_octets_.clear();
  sent_head_.clear();
  head_size_ = request_octets_ = 0;
  request_id_ = {};
  encoder_.reset();
  baton_.store(kRunning, std::memory_order_release);
}

void HttpExchange::begin_refusal(const RequestHead& head, const Address& client,
                                 RefusalReason reason, Time now) {
  begin_exchange(head, client, false, now);
  refusal_ = reason;
}

bool HttpExchange::begin() {
  begun_ = std::chrono::steady_clock::now();
  thread_ = ::pthread_self();
  if ((baton_.fetch_or(kBegun, std::memory_order_acq_rel) & kRevoked) != 0) {
    hand_over(false);
    return false;
  }
  if (!outbox_.gone()) return true;
  status_ = 499;  // nginx's word for it; there is nobody to send it to
  if (server_.log.enabled(LogLevel::debug))
    server_.log.debug("499 for " + label() + ": the client had gone before work on it began");
  end(Outcome::client_gone, Then::close);
  return false;
}

bool HttpExchange::can_pass_on() const {
  const unsigned baton = baton_.load(std::memory_order_acquire);
  if ((baton & kRunning) == 0 || (baton & (kBegun | kStarted | kRevoked)) != 0) return false;
  return !outbox_.gone() && outbox_.empty() && connection_.portable();
}

void HttpExchange::pass_on() {
  then_ = Then::pass_on;
  hand_over(true);
}

ResponseContext HttpExchange::context() const {
  return {.head_request = request_.method == "HEAD",
          .version = request_.version,
          .keep_alive = keep_alive_ && !server_.closing.load(std::memory_order_relaxed),
          .server = server_.config.server,
          .request_id = request_id_};
}

bool HttpExchange::claim() {
  return (baton_.fetch_or(kStarted, std::memory_order_acq_rel) & kRevoked) == 0;
}

void HttpExchange::start(const ResponseHead& head, std::optional<std::uint64_t> content_length) {
  if (head_octets_.capacity() < kUsualHead) head_octets_.reserve(kUsualHead);
  encoder_.start(context(), head, content_length, date_.at(std::chrono::system_clock::now()),
                 head_octets_);
  status_ = head.status;
  head_size_ = head_octets_.size();
  note_progress();
  if (!claim()) head_octets_.clear();
}

void HttpExchange::inform(const ResponseHead& head) {
  std::string octets;
  encode_interim(head, octets);
  if (request_.version == HttpVersion::http_1_0 || revoked()) return;
  std::array pieces{piece_of(octets)};
  static_cast<void>(outbox_.send(pieces));  // whether the client is here, start() will tell
}

WriteStatus HttpExchange::write(std::string_view block) {
  if (revoked()) return WriteStatus::gone;
  note_progress();
  const auto piece = encoder_.frame(block);  // first: it may complete the response
  return send(piece, when_to_send());
}

WriteStatus HttpExchange::send(const ResponseEncoder::Piece& piece, Outbox::When when) {
  std::array pieces{piece_of(head_octets_), piece_of(piece.prefix), piece_of(piece.block),
                    piece_of(piece.suffix)};
  const auto some = without_empty(pieces);
  if (some.empty()) return outbox_.gone() ? WriteStatus::gone : WriteStatus::ok;
  const auto status = outbox_.send(some, when);
  head_is_sent();
  return status;
}

// Soon, with what else there is by then, where the I/O thread will be there in a moment anyway; or
// where blocks follow each other so quickly that it costs more to send one than to make one.
Outbox::When HttpExchange::when_to_send() {
  const bool first = !head_octets_.empty();
  if (first && encoder_.complete()) return when_whole();
  const auto now = std::chrono::steady_clock::now();
  const auto before = std::exchange(last_block_, now);
  return !first && now - before < kQuickly ? Outbox::When::soon : when_to_end();
}

// Nothing follows that it could be sent with.
Outbox::When HttpExchange::when_to_end() const {
  return server_.pausing.load(std::memory_order_relaxed) ? Outbox::When::soon : Outbox::When::now;
}

// Of a response that is sent in one piece: with the one behind it, if that is about to be made.
Outbox::When HttpExchange::when_whole() const {
  return next_is_here_ && encoder_.keep_alive() ? Outbox::When::with_next : when_to_end();
}

// Swapped, so that both keep their memory.
void HttpExchange::head_is_sent() {
  if (head_octets_.empty()) return;
  if (server_.keeps_response_heads) sent_head_.swap(head_octets_);
  head_octets_.clear();
}

WriteStatus HttpExchange::write_file(UniqueFd file, std::uint64_t offset, std::uint64_t length) {
  if (revoked()) return WriteStatus::gone;
  note_progress();
  const auto piece = encoder_.frame_file(length);
  std::array pieces{piece_of(head_octets_), piece_of(piece.prefix)};
  const auto status = outbox_.send_file(without_empty(pieces),
                                        {std::move(file), offset, piece.length}, piece.suffix);
  head_is_sent();
  return status;
}

bool HttpExchange::wait_writable() {
  waiting_.store(true, std::memory_order_relaxed);
  const bool writable = outbox_.wait_writable();
  note_progress();
  waiting_.store(false, std::memory_order_relaxed);
  return writable;
}

void HttpExchange::when_writable(std::function<void()> resume) {
  waiting_.store(true, std::memory_order_relaxed);
  outbox_.when_writable([this, resume = std::move(resume)] {
    note_progress();
    waiting_.store(false, std::memory_order_relaxed);
    resume();
  });
}

void HttpExchange::note_progress() {
  if (server_.config.request_timeouts.request.count() > 0)
    progress_.store(std::chrono::steady_clock::now(), std::memory_order_relaxed);
}

std::string HttpExchange::label() const {
  return std::string{request_.method} + " " + std::string{request_.path} + " of " +
         client_->to_string();
}

void HttpExchange::finish() {
  if (revoked()) return hand_over(false);
  const std::string_view terminator = encoder_.finish();
  const bool whole = !head_octets_.empty() && encoder_.complete();
  if (!head_octets_.empty() || !terminator.empty())
    send({terminator, {}, {}}, whole ? when_whole() : when_to_end());
  if (!encoder_.complete()) {
    // Of a client that has gone nobody asked for the rest.
    if (!outbox_.gone()) {
      server_.log.error("the response to " + label() +
                        " is shorter than its Content-Length, which is the application's mistake; "
                        "the connection was closed");
    }
    return abort();
  }
  if (encoder_.overrun())
    server_.log.warning("the response to " + label() +
                        " was cut at its Content-Length: the application sent more");
  end(refusal_ ? Outcome::refused : Outcome::complete,
      encoder_.keep_alive() ? Then::keep_alive : Then::close);
}

void HttpExchange::abort() {
  if (!claim()) return hand_over(false);
  // Where the end of the connection is the end of the body, only a reset tells the client that it
  // is not whole.
  const bool framed = encoder_.delimits_itself() || status_ == 0;
  end(Outcome::aborted, framed ? Then::close : Then::reset);
}

void HttpExchange::end(Outcome outcome, Then then) {
  ended_ = std::chrono::steady_clock::now();
  then_ = then;
  if (overdue_.load(std::memory_order_relaxed)) {
    outcome = Outcome::timed_out;
    refusal_ = RefusalReason::request_timeout;
  } else if (outbox_.gone()) {
    outcome = Outcome::client_gone;
  }
  record({.status = status_,
          .outcome = outcome,
          .refusal = refusal_,
          .body_octets = encoder_.body_octets(),
          .head_octets = head_size_,
          .response_head = sent_head_,
          .keep_alive = then == Then::keep_alive,
          .duration = ended_ - began_,
          .queued = begun_ - began_});
  if (!keeps_memory_) release_memory();
  hand_over(then != Then::keep_alive);
}

// By the thread whose memory it is: where thousands are served, what each has would stay in its arena
// as holes.
void HttpExchange::release_memory() {
  std::string{}.swap(head_octets_);
  std::string{}.swap(sent_head_);
}

// From here on everything belongs to the I/O thread, which may end this exchange at once. What is
// left to the caller is the connection, which its reference keeps.
void HttpExchange::hand_over(bool tell) {
  if (notifies_) when_gone(nullptr);
  Connection& connection = connection_;
  const unsigned before = baton_.exchange(0, std::memory_order_acq_rel);
  if ((before & kTell) != 0 || tell) connection.post_look();
}

void HttpExchange::record(ExchangeRecord&& record) const {
  if (server_.observer == nullptr) return;
  record.method = request_.method;
  record.target = request_.target;
  record.path = request_.path;
  record.query = request_.query;
  record.host = request_.host;
  record.headers = request_.headers;
  record.version = request_.version;
  record.request_octets = request_octets_;
  record.request_id = request_id_;
  record.connection = &info_;
  record.client = client_;
  server_.observer->exchange_ended(record);
}

void HttpExchange::when_gone(std::function<void()> notify) {
  {
    const std::lock_guard lock{notify_mutex_};
    notifies_ = static_cast<bool>(notify);
    notify_ = std::move(notify);
    if (!notifies_ || !outbox_.gone()) return;
    notify = std::exchange(notify_, nullptr);
  }
  notify();  // which may be the end of this exchange
}

void HttpExchange::client_went() {
  const std::lock_guard lock{notify_mutex_};
  if (notify_) std::exchange(notify_, nullptr)();
}

}  // namespace spawning
