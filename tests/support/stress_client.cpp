// SPDX-License-Identifier: MIT
#include "support/stress_client.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <tuple>
#include <utility>

namespace spawning::test {
namespace {

// r: at once. s: in pieces of a known length. c: in chunks, waiting. w: in chunks, resumed.
// t: throws. d: drops the Responder. a: aborts half-way. l: throws half-way. m: malformed request.
constexpr std::string_view kKinds[] = {"ir", "is", "iw", "it", "id", "pr", "pr", "ps", "pc", "pc",
                                       "pw", "pw", "pt", "pd", "pa", "pl", "ia", "il", "mm"};

bool is_last_of_its_connection(std::string_view kind) {
  return kind[1] == 'a' || kind[1] == 'l' || kind[1] == 'm';
}

std::size_t number_in(std::string_view text, int base = 10) {
  std::size_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, base);
  return value;
}

std::string octets_of(std::size_t count, std::size_t seed) {
  std::string text(count, '\0');
  for (std::size_t i = 0; i < count; ++i) text[i] = static_cast<char>('!' + (i * 7 + seed) % 90);
  return text;
}

// The body of a chunked message and the octets it takes; nothing if it is not whole.
std::optional<std::pair<std::string, std::size_t>> unchunk(std::string_view text) {
  std::string body;
  std::size_t at = 0;
  for (;;) {
    const std::size_t line = text.find("\r\n", at);
    if (line == std::string_view::npos) return std::nullopt;
    const std::size_t size = number_in(text.substr(at, line - at), 16);
    at = line + 2;
    if (text.size() < at + size + 2) return std::nullopt;
    body += text.substr(at, size);
    at += size + 2;
    if (size == 0) return std::pair{body, at};
  }
}

}  // namespace

std::size_t pick(Random& random, std::size_t least, std::size_t most) {
  return least + random() % (most - least + 1);
}

std::uint32_t checksum(std::string_view octets) {
  std::uint32_t sum = 2166136261U;
  for (const char octet : octets) sum = (sum ^ static_cast<unsigned char>(octet)) * 16777619U;
  return sum;
}

std::string expected_answer(std::string_view target, std::uint32_t sum) {
  const std::size_t filling = number_in(target.substr(target.find('?') + 1));
  return std::string{target} + " " + std::to_string(sum) + " " + octets_of(filling, sum);
}

StressClient::StressClient(UniqueFd socket, std::string name, std::uint32_t seed, bool naps)
    : socket_{std::move(socket)},
      name_{std::move(name)},
      random_{seed},
      manner_{static_cast<Manner>(pick(random_, 0, 4))},
      naps_{naps} {
  window_ = pick(random_, 1, 6);
  const std::size_t requests = pick(random_, 1, naps_ ? 3 : 12);
  for (std::size_t i = 0; i < requests; ++i) {
    add_request(i, i + 1 == requests);
    if (is_last_of_its_connection(asked_.back().kind)) break;
  }
  leave_at_ = was_polite() ? output_.size() + 1 : pick(random_, 0, output_.size());
}

void StressClient::add_request(std::size_t number, bool last) {
  Asked asked;
  asked.kind = kKinds[pick(random_, 0, std::size(kKinds) - 1)];
  const std::size_t filling =
      pick(random_, 0, 3) != 0 ? pick(random_, 0, 300) : pick(random_, 0, 200'000);
  asked.target =
      "/" + asked.kind + "/" + name_ + "-" + std::to_string(number) + "?" + std::to_string(filling);
  const std::size_t method = pick(random_, 0, 4);
  asked.method = method == 0 ? "HEAD" : method < 3 ? "GET" : "POST";
  if (asked.kind == "mm") asked.method = "GET ";  // two blanks: 400
  const bool old = last && pick(random_, 0, 7) == 0 && asked.kind[1] != 'a' && asked.kind[1] != 'l';
  output_ += asked.method + " " + asked.target + (old ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
  output_ += "Host: stress\r\nX-Padding: " + std::string(pick(random_, 0, 200), 'x') + "\r\n";
  if (asked.method == "POST" && !old) {
    add_body(asked);
  } else {
    output_ += "\r\n";
    asked.sum = checksum("");
  }
  asked.end = output_.size();
  asked_.push_back(std::move(asked));
}

void StressClient::add_body(Asked& asked) {
  const std::size_t size =
      pick(random_, 0, 2) != 0 ? pick(random_, 0, 500) : pick(random_, 0, 200'000);
  const std::string body = octets_of(size, asked_.size());
  asked.sum = checksum(body);
  if (pick(random_, 0, 3) == 0) output_ += "Expect: 100-continue\r\n";
  if (pick(random_, 0, 1) == 0) {
    output_ += "Content-Length: " + std::to_string(size) + "\r\n\r\n" + body;
    return;
  }
  output_ += "Transfer-Encoding: chunked\r\n\r\n";
  for (std::size_t at = 0; at < size;) {
    const std::size_t chunk = std::min(size - at, pick(random_, 1, 30'000));
    char hexadecimal[20];
    const auto end = std::to_chars(hexadecimal, hexadecimal + sizeof hexadecimal, chunk, 16).ptr;
    output_ += std::string(hexadecimal, end) + "\r\n" + body.substr(at, chunk) + "\r\n";
    at += chunk;
  }
  output_ += "0\r\n\r\n";
}

void StressClient::step(bool draining) {
  if (!socket_ || std::chrono::steady_clock::now() < asleep_until_) return;
  if (pick(random_, 0, 1) == 0) {
    send_some();
  } else if (pick(random_, 0, 3) != 0) {
    receive_some(draining);
  }
  if (!socket_ || next_ < asked_.size()) return;
  if (manner_ == Manner::polite) close(false);
}

void StressClient::send_some() {
  if (broken_off_ || shut_) return;
  if (sent_ >= leave_at_) return close(manner_ == Manner::resets);
  const std::size_t last_allowed = std::min(next_ + window_, asked_.size()) - 1;
  std::size_t limit = next_ < asked_.size() ? asked_[last_allowed].end : sent_;
  limit = std::min(limit, leave_at_);
  if (sent_ < limit) {
    const std::size_t most = pick(random_, 0, 2) == 0 ? 100 : 100'000;
    const std::size_t piece = pick(random_, 1, std::min(limit - sent_, most));
    const ssize_t sent =
        ::send(socket_.get(), output_.data() + sent_, piece, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) sent_ += static_cast<std::size_t>(sent);
    if (sent < 0 && errno != EAGAIN) broken_off_ = true;  // reading tells why
  }
  if (sent_ == output_.size() && manner_ == Manner::half_closes) {
    ::shutdown(socket_.get(), SHUT_WR);
    shut_ = true;
  }
}

void StressClient::receive_some(bool draining) {
  char buffer[32 << 10];
  const std::size_t most = pick(random_, 0, 3) == 0 ? 50 : sizeof buffer;
  const ssize_t count = ::recv(socket_.get(), buffer, most, MSG_DONTWAIT);
  if (count < 0 && errno == EAGAIN) return;
  if (count <= 0) {
    read_answers(true);
    return on_end(draining);
  }
  input_.append(buffer, static_cast<std::size_t>(count));
  read_answers(false);
}

void StressClient::read_answers(bool ended) {
  const std::size_t before = next_;
  while (next_ < asked_.size() && read_answer(ended)) {
  }
  if (next_ == asked_.size() && !input_.empty()) fail("octets behind the last answer");
  // About as long as it takes a connection to become idle.
  if (naps_ && next_ != before) {
    asleep_until_ =
        std::chrono::steady_clock::now() + std::chrono::milliseconds{pick(random_, 950, 1600)};
  }
}

// Takes the next answer from input_, if it is there.
bool StressClient::read_answer(bool ended) {
  const std::size_t head_end = input_.find("\r\n\r\n");
  if (head_end == std::string::npos) return false;
  const std::string head = input_.substr(0, head_end + 2);
  const std::string_view rest = std::string_view{input_}.substr(head_end + 4);
  if (head.starts_with("HTTP/1.1 100 ")) {
    input_.erase(0, head_end + 4);
    return true;
  }
  const Asked& asked = asked_[next_];
  std::string body;
  std::size_t length = 0;
  const std::size_t field = head.find("Content-Length: ");
  if (asked.method == "HEAD") {
    // no body, whatever the fields say
  } else if (head.find("Transfer-Encoding: chunked\r\n") != std::string::npos) {
    auto whole = unchunk(rest);
    if (!whole) return false;
    std::tie(body, length) = std::move(*whole);
  } else if (field != std::string::npos) {
    length = number_in(std::string_view{head}.substr(field + 16));
    if (rest.size() < length) return false;
    body = rest.substr(0, length);
  } else {
    if (!ended) return false;
    length = rest.size();
    body = rest;
  }
  const unsigned status = static_cast<unsigned>(number_in(head.substr(9, 3)));
  const char how = asked.kind[1];
  const unsigned right = how == 'm' ? 400 : how == 't' || how == 'd' ? 500 : 200;
  if (status != right) fail(asked.target + " got " + head);
  if (right == 200 && asked.method != "HEAD" && body != expected_answer(asked.target, asked.sum))
    fail(asked.target + " got a wrong body of " + std::to_string(body.size()));
  if (is_last_of_its_connection(asked.kind) && how != 'm' && asked.method != "HEAD")
    fail(asked.target + " was broken off and looks whole");
  if (is_last_of_its_connection(asked.kind) ||
      head.find("Connection: close\r\n") != std::string::npos) {
    broken_off_ = true;
  }
  input_.erase(0, head_end + 4 + length);
  ++next_;
  return true;
}

void StressClient::on_end(bool draining) {
  const bool whole = next_ == asked_.size();
  const bool broken = !whole && is_last_of_its_connection(asked_[next_].kind);
  // In a drain a connection may end between two answers, but never inside one.
  if (!whole && !broken && !(draining && input_.empty())) fail("the connection ended early");
  if (whole && manner_ == Manner::stays && !broken_off_ && !draining)
    fail("the connection was closed for no reason");
  close(false);
}

void StressClient::close(bool rudely) {
  if (rudely) {
    const linger at_once{1, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  socket_.reset();
}

void StressClient::fail(const std::string& what) {
  if (trouble_.empty()) trouble_ = name_ + ": " + what + "; " + state();
}

std::string StressClient::state() const {
  return name_ + " manner " + std::to_string(static_cast<int>(manner_)) + ", answered " +
         std::to_string(next_) + " of " + std::to_string(asked_.size()) + ", sent " +
         std::to_string(sent_) + " of " + std::to_string(output_.size()) + ", next " +
         (next_ < asked_.size() ? asked_[next_].method + " " + asked_[next_].target : "none") +
         ", input " + std::to_string(input_.size());
}

}  // namespace spawning::test
