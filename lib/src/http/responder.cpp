// SPDX-License-Identifier: MIT
#include "spawning/responder.hpp"

#include <array>
#include <stdexcept>
#include <utility>

namespace spawning {

Responder& Responder::operator=(Responder&& other) noexcept {
  if (this != &other) {
    answer_for_the_forgetful();
    exchange_ = std::move(other.exchange_);
    started_ = other.started_;
  }
  return *this;
}

Responder::~Responder() { answer_for_the_forgetful(); }

void Responder::respond(const ResponseHead& head, std::string_view body) {
  start(head, body.size());
  write(body);
  finish();
}

void Responder::start(const ResponseHead& head, std::optional<std::uint64_t> content_length) {
  if (!exchange_)
    throw std::logic_error{"a Responder that has finished, or was moved from, is to answer"};
  exchange_->start(head, content_length);
  started_ = true;
}

WriteStatus Responder::write(std::string_view block) {
  return exchange_ ? exchange_->write(block) : WriteStatus::gone;
}

void Responder::when_writable(std::function<void()> resume) {
  if (exchange_) return exchange_->when_writable(std::move(resume));
  resume();
}

bool Responder::begin() {
  if (exchange_ && exchange_->begin()) return true;
  exchange_.reset();
  return false;
}

WriteStatus Responder::write_file(UniqueFd file, std::uint64_t offset, std::uint64_t length) {
  return exchange_ ? exchange_->write_file(std::move(file), offset, length) : WriteStatus::gone;
}

void Responder::finish() {
  if (auto exchange = std::exchange(exchange_, nullptr)) exchange->finish();
}

void Responder::abort() {
  if (auto exchange = std::exchange(exchange_, nullptr)) exchange->abort();
}

void Responder::pass_on() {
  if (auto exchange = std::exchange(exchange_, nullptr)) exchange->pass_on();
}

void Responder::answer_for_the_forgetful() noexcept {
  if (!exchange_) return;
  if (started_) return abort();
  static constexpr std::string_view kBody = "500 Internal Server Error\n";
  static constexpr std::array kHeaders{Header{"Content-Type", "text/plain; charset=utf-8"}};
  try {
    respond({.status = 500, .reason = {}, .headers = kHeaders}, kBody);
  } catch (...) {
    abort();  // out of memory: the client sees the connection end
  }
}

}  // namespace spawning
