// SPDX-License-Identifier: MIT
#include "top/answer_reader.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <exception>
#include <utility>

namespace spawning {
namespace {

namespace http = boost::beast::http;

// Besides the body: fields, chunk extensions, trailers.
constexpr std::size_t kMostBetween = 64 * 1024;

std::string reason_of(const boost::system::error_code& error) {
  if (error == http::error::body_limit || error == http::error::header_limit)
    return "its answer is too large";
  if (error == http::error::partial_message || error == http::error::end_of_stream)
    return "its answer ends too early";
  return "its answer is no HTTP";
}

}  // namespace

struct AnswerReader::State {
  http::response_parser<http::string_body> parser;
};

AnswerReader::AnswerReader(Bytes most) : state_{std::make_unique<State>()} {
  state_->parser.body_limit(most.count);
  state_->parser.eager(true);
}

AnswerReader::~AnswerReader() = default;

bool AnswerReader::fail(std::string why) {
  failure_ = std::move(why);
  return true;
}

bool AnswerReader::finish() {
  const auto& answer = state_->parser.get();
  if (answer.result() == http::status::ok) return true;
  return fail("it says " + std::to_string(answer.result_int()) + " " +
              std::string{answer.reason()});
}

bool AnswerReader::feed(std::string_view octets) {
  pending_ += octets;
  try {
    while (!pending_.empty()) {
      boost::system::error_code error;
      const std::size_t used = state_->parser.put(boost::asio::buffer(pending_), error);
      pending_.erase(0, used);
      if (state_->parser.is_done()) return finish();
      if (error && error != http::error::need_more) return fail(reason_of(error));
      if (pending_.size() > kMostBetween) return fail("its answer is too large");
      if (error || used == 0) break;
    }
  } catch (const std::exception&) {  // Beast's parser, of a trailer over 64 KiB
    return fail("its answer is too large");
  }
  return false;
}

void AnswerReader::end() {
  boost::system::error_code error;
  state_->parser.put_eof(error);
  if (error || !state_->parser.is_done()) {
    fail("its answer ends too early");
  } else {
    finish();
  }
}

const std::string& AnswerReader::body() const { return state_->parser.get().body(); }

}  // namespace spawning
