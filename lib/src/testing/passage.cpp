// SPDX-License-Identifier: MIT
#include "testing/passage.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <string_view>
#include <utility>

namespace spawning::testing {
namespace {

using boost::asio::awaitable, boost::asio::use_awaitable;
using boost::system::error_code;
using Protocol = boost::asio::generic::stream_protocol;

// Where the body begins, behind interim responses and the head; npos if that has not come yet.
std::size_t body_begin(std::string_view octets) {
  std::size_t begin = 0;
  for (;;) {
    const auto end = octets.find("\r\n\r\n", begin);
    if (end == octets.npos) return octets.npos;
    const bool interim = octets.substr(begin).starts_with("HTTP/1.1 1");
    begin = end + 4;
    if (!interim) return begin;
  }
}

auto noting(error_code& error) { return boost::asio::redirect_error(use_awaitable, error); }

}  // namespace

Passage::Passage(IoContext& io, UniqueFd client, UniqueFd server)
    : client_{io, Protocol{AF_INET, IPPROTO_TCP}, client.release()},
      server_{io, Protocol{AF_UNIX, 0}, server.release()},
      timer_{io} {
  server_.non_blocking(true);
}

void Passage::start() {
  const auto executor = client_.get_executor();
  boost::asio::co_spawn(executor, carry_requests(shared_from_this()), boost::asio::detached);
  boost::asio::co_spawn(executor, carry_answers(shared_from_this()), boost::asio::detached);
}

void Passage::begin_answer(const Fault& fault) {
  while (receive()) continue;  // it belongs to the answers before
  answers_.push_back({.fault = fault});
}

// Goes on when the server has gone: octets that nobody reads would make the kernel send a reset, and
// that could overtake the answer.
awaitable<void> Passage::carry_requests(std::shared_ptr<Passage> self) {
  std::array<char, 16 << 10> octets{};
  error_code error, ignored;
  for (;;) {
    const std::size_t count =
        co_await self->client_.async_read_some(boost::asio::buffer(octets), noting(error));
    if (error) break;
    co_await boost::asio::async_write(self->server_, boost::asio::buffer(octets, count),
                                      noting(ignored));
  }
  if (error != boost::asio::error::eof) co_return self->close_server();
  self->server_.shutdown(Socket::shutdown_send, ignored);
}

// Reads only when all is sent that has come, so that a client that does not read keeps the server waiting.
awaitable<void> Passage::carry_answers(std::shared_ptr<Passage> self) {
  error_code error;
  for (;;) {
    if (!self->may_send()) {
      if (self->answers_ended_) break;
      co_await self->server_.async_wait(Socket::wait_read, noting(error));
      static_cast<void>(self->receive());
      continue;
    }
    Answer& answer = self->answers_.front();
    const Fault fault = answer.fault;
    if (!std::exchange(answer.begun, true) && fault.delay.count() > 0) {
      self->timer_.expires_after(fault.delay);
      co_await self->timer_.async_wait(noting(error));
    }
    if (answer.left == 0U) co_return self->end(fault.end);
    const std::string octets = take(answer);
    co_await boost::asio::async_write(self->client_, boost::asio::buffer(octets), noting(error));
    if (error) co_return self->close_server();  // there is nobody any more
    if (answer.left == 0U) co_return self->end(fault.end);
    if (fault.octets > 0) {
      self->timer_.expires_after(fault.pause);
      co_await self->timer_.async_wait(noting(error));
    }
  }
  self->client_.shutdown(Socket::shutdown_send, error);
}

// Whether anything has come. False at the end, too.
bool Passage::receive() {
  std::array<char, 64 << 10> octets;
  error_code error;
  const std::size_t count = server_.read_some(boost::asio::buffer(octets), error);
  if (error && error != boost::asio::error::would_block) answers_ended_ = true;
  answers_.back().octets.append(octets.data(), count);
  return count > 0;
}

// Whether there are octets for whom it is known what becomes of them.
bool Passage::may_send() {
  while (answers_.front().octets.empty() && answers_.size() > 1) answers_.pop_front();
  Answer& answer = answers_.front();
  if (answer.octets.empty()) return false;
  if (answer.fault.end == Fault::End::none || answer.begun) return true;
  if (!answer.fault.after) {
    answer.left = 0;
    return true;
  }
  const auto begin = body_begin(answer.octets);
  if (begin == std::string::npos) return answers_ended_;
  answer.left = begin + *answer.fault.after;
  return true;
}

std::string Passage::take(Answer& answer) {
  std::size_t count = answer.octets.size();
  if (answer.fault.octets > 0) count = std::min(count, answer.fault.octets);
  if (answer.left) {
    count = static_cast<std::size_t>(std::min<std::uint64_t>(count, *answer.left));
    *answer.left -= count;
  }
  std::string taken = answer.octets.substr(0, count);
  answer.octets.erase(0, count);
  return taken;
}

void Passage::end(Fault::End how) {
  error_code ignored;
  if (how == Fault::End::reset) {
    client_.set_option(boost::asio::socket_base::linger{true, 0}, ignored);
    client_.close(ignored);
  } else {
    client_.shutdown(Socket::shutdown_send, ignored);
  }
  close_server();
}

void Passage::close_server() {
  error_code ignored;
  server_.close(ignored);
}

}  // namespace spawning::testing
