// SPDX-License-Identifier: MIT
#include "spawning/status_client.hpp"

#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "spawning/error.hpp"
#include "top/answer_reader.hpp"
#include "top/figures.hpp"

namespace spawning {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Error = boost::system::error_code;

}  // namespace

struct StatusClient::State {
  IoContext& context;
  StatusUrl url;
  StatusClientOptions options;
  tcp::resolver::results_type endpoints;
  std::shared_ptr<Asking> asking;  // the latest one
};

// One request and its answer. Whatever ends it first calls back; what comes later finds no callback.
struct StatusClient::Asking : std::enable_shared_from_this<Asking> {
  Asking(State& state, Callback to_call)
      : socket{state.context},
        deadline{state.context},
        reader{state.options.most},
        callback{std::move(to_call)},
        request{"GET /status.json HTTP/1.1\r\nHost: " + state.url.authority() +
                "\r\nAccept: application/json\r\nConnection: close\r\n\r\n"} {}

  void begin(const State& state);
  void send();
  void read();
  void finish(const StatusAnswer& answer);
  void fail(bool answered, std::string reason) {
    finish(StatusFailure{answered, std::move(reason)});
  }
  void take_answer();
  void forget();

  tcp::socket socket;
  asio::steady_timer deadline;
  AnswerReader reader;
  Callback callback;
  std::string request;
  bool heard = false;  // an octet
  std::array<char, 16 * 1024> octets{};
};

void StatusClient::Asking::begin(const State& state) {
  deadline.expires_after(state.options.deadline);
  const double seconds = std::chrono::duration<double>{state.options.deadline}.count();
  deadline.async_wait([self = shared_from_this(), seconds](const Error& error) {
    if (!error) self->fail(false, "nothing whole within " + decimal_text(seconds, 1) + " s");
  });
  asio::async_connect(socket, state.endpoints,
                      [self = shared_from_this()](const Error& error, const tcp::endpoint&) {
                        if (error) return self->fail(false, error.message());
                        self->send();
                      });
}

void StatusClient::Asking::send() {
  asio::async_write(socket, asio::buffer(request),
                    [self = shared_from_this()](const Error& error, std::size_t) {
                      if (error) return self->fail(false, error.message());
                      self->read();
                    });
}

void StatusClient::Asking::read() {
  socket.async_read_some(asio::buffer(octets),
                         [self = shared_from_this()](const Error& error, std::size_t count) {
                           if (error == asio::error::eof && !self->heard)
                             return self->fail(false, "it has closed the connection");
                           self->heard = true;
                           if (error == asio::error::eof) {
                             self->reader.end();
                             return self->take_answer();
                           }
                           if (error) return self->fail(false, error.message());
                           if (self->reader.feed({self->octets.data(), count}))
                             return self->take_answer();
                           self->read();
                         });
}

void StatusClient::Asking::take_answer() {
  if (!callback) return;
  if (!reader.failure().empty()) return fail(true, reader.failure());
  std::variant<ObservedStatus, std::string> parsed = parse_status(reader.body());
  if (auto* const why = std::get_if<std::string>(&parsed)) return fail(true, std::move(*why));
  finish(std::move(std::get<ObservedStatus>(parsed)));
}

void StatusClient::Asking::finish(const StatusAnswer& answer) {
  const Callback to_call = std::exchange(callback, nullptr);
  forget();
  if (to_call) to_call(answer);
}

void StatusClient::Asking::forget() {
  callback = nullptr;
  Error ignored;
  socket.close(ignored);
  deadline.cancel();
}

StatusClient::StatusClient(IoContext& context, StatusUrl url, StatusClientOptions options)
    : state_{std::make_unique<State>(State{context, std::move(url), options, {}, nullptr})} {
  Error error;
  tcp::resolver resolver{context};
  state_->endpoints = resolver.resolve(state_->url.host, std::to_string(state_->url.port), error);
  if (error) throw StartupError{"no address of " + state_->url.host + ": " + error.message()};
}

StatusClient::~StatusClient() {
  if (state_->asking) state_->asking->forget();
}

void StatusClient::ask(Callback callback) {
  if (state_->asking) state_->asking->forget();
  state_->asking = std::make_shared<Asking>(*state_, std::move(callback));
  state_->asking->begin(*state_);
}

}  // namespace spawning
