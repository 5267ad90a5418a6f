// SPDX-License-Identifier: MIT
// What a handler can do with a request, a path each. The loop is the program's own.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "spawning/percent_encoding.hpp"
#include "spawning/server.hpp"

namespace {

using boost::asio::awaitable, boost::asio::use_awaitable;
using spawning::Request, spawning::Responder, spawning::WriteStatus;

// Whoever has the Responder has the request's octets, too, on whatever thread.
void answer_on_a_thread(boost::asio::thread_pool& threads, Request request, Responder responder) {
  boost::asio::post(threads, [request, responder = std::move(responder)]() mutable {
    const auto name = spawning::query_parameter(request.query, "name");  // and what takes its time
    responder.respond(200, {}, "Hello, " + name.value_or("stranger") + "\n");
  });
}

// If it throws, the Responder answers 500 on its way out.
awaitable<void> answer_in_a_while(Responder responder) {
  boost::asio::steady_timer timer{co_await boost::asio::this_coro::executor};
  timer.expires_after(std::chrono::milliseconds{20});
  co_await timer.async_wait(use_awaitable);
  responder.respond(200, {}, "it took a while\n");
}

// Ends when the client has read most of what it was sent, or has gone.
awaitable<void> until_writable(Responder& responder) {
  return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void()>(
      [&responder](auto resume) {
        const auto shared = std::make_shared<decltype(resume)>(std::move(resume));
        responder.when_writable([shared] { boost::asio::post(std::move(*shared)); });
      },
      use_awaitable);
}

awaitable<void> stream(unsigned blocks, Responder responder) {
  const std::string block(64 << 10, 'x');
  responder.start(200, {{"Content-Type", "text/plain"}});
  for (unsigned sent = 0; sent < blocks; ++sent) {
    const WriteStatus status = responder.write(block);
    if (status == WriteStatus::gone) co_return;
    if (status == WriteStatus::full) co_await until_writable(responder);
  }
  responder.finish();
}

// The whole body is here already, in memory or in a file.
void count_lines(spawning::Body& body, Responder responder) {
  std::array<char, 16 << 10> piece{};
  std::ptrdiff_t lines = 0;
  while (const std::size_t count = body.read(piece))
    lines += std::count(piece.data(), piece.data() + count, '\n');
  responder.respond(200, {}, std::to_string(lines) + " lines\n");
}

// Or as one text, if it is not too long.
void shout(spawning::Body& body, Responder responder) {
  auto text = body.read_all(spawning::Bytes{1 << 20});
  if (!text) return responder.respond(413, {}, "a megabyte at most\n");
  for (char& c : *text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  responder.respond(200, {}, *text);
}

// Answers nobody, and tells when the client has had enough of that.
void keep_waiting(const spawning::Log& log, Responder responder) {
  const auto kept = std::make_shared<Responder>(std::move(responder));
  kept->when_gone([kept, &log] {
    log.info("a client has gone");
    kept->abort();
  });
}

class Answers final : public spawning::Handler {
 public:
  Answers(spawning::IoContext& context, const spawning::Log& log) : context_{context}, log_{log} {}

 private:
  void handle(Request request, Responder responder) override {
    if (request.path == "/thread") {
      answer_on_a_thread(threads_, request, std::move(responder));
    } else if (request.path == "/coroutine") {
      co_spawn(context_, answer_in_a_while(std::move(responder)), boost::asio::detached);
    } else if (request.path == "/stream") {
      const auto wanted = spawning::query_parameter(request.query, "blocks").value_or("10");
      const auto blocks = static_cast<unsigned>(std::strtoul(wanted.c_str(), nullptr, 10));
      co_spawn(context_, stream(blocks, std::move(responder)), boost::asio::detached);
    } else if (request.path == "/count") {
      count_lines(*request.body, std::move(responder));
    } else if (request.path == "/shout") {
      shout(*request.body, std::move(responder));
    } else if (request.path == "/wait") {
      keep_waiting(log_, std::move(responder));
    } else {
      responder.respond(404, {}, "there is nothing at " + spawning::percent_decoded(request.path));
    }
  }

  spawning::IoContext& context_;
  const spawning::Log& log_;
  boost::asio::thread_pool threads_{2};
};

}  // namespace

int main(int count, char** arguments) {
  const spawning::Log log{STDERR_FILENO, "ways"};
  spawning::IoContext context{1};
  Answers answers{context, log};
  spawning::Server server{context, answers, log};
  server.listen(spawning::bind_listener(count > 1 ? arguments[1] : "127.0.0.1:8000"));

  boost::asio::signal_set signals{context, SIGINT, SIGTERM};
  signals.async_wait([&server](auto, int) { server.stop(); });
  context.run();
}
