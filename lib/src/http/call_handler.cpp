// SPDX-License-Identifier: MIT
#include "http/call_handler.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <string>
#include <utility>

namespace spawning {
namespace {

/// "GET /path from 10.0.0.1", cut to fit. Noted before each call, because when an exception arrives
/// the request's octets may be gone; on the stack, so that it costs a few nanoseconds and no
/// allocation.
class Note {
 public:
  explicit Note(const Request& request) {
    add(request.method);
    add(" ");
    add(request.path);
    add(" from ");
    add(request.client->host);
  }

  [[nodiscard]] std::string_view text() const { return {text_.data(), length_}; }

 private:
  void add(std::string_view part) {
    const std::size_t count = std::min(part.size(), text_.size() - length_);
    std::copy_n(part.data(), count, text_.data() + length_);
    length_ += count;
  }

  std::array<char, 192> text_;
  std::size_t length_ = 0;
};

void report(const Note& note, std::string_view what, const Log& log) {
  log.error("the handler failed on " + std::string{note.text()} + ": " + std::string{what} +
            "; the client gets 500, or a broken connection");
}

}  // namespace

void call_handler(Handler& handler, const Request& request, Responder responder, const Log& log) {
  const Note note{request};
  try {
    handler.handle(request, std::move(responder));
  } catch (const std::exception& error) {
    report(note, error.what(), log);
  } catch (...) {
    report(note, "an exception that is no std::exception", log);
  }
}

}  // namespace spawning
