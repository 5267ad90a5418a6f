// SPDX-License-Identifier: MIT
// A Server that is all there is to a program: from the first request to a signal, and to its end.
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "base/in_seconds.hpp"
#include "base/stop_requests.hpp"
#include "net/request_words.hpp"
#include "net/server_state.hpp"

namespace spawning {
namespace {

/// Calls its functions when SIGINT or SIGTERM comes: one the first time, the other when it is sent again.
class StopSignals : public std::enable_shared_from_this<StopSignals> {
 public:
  StopSignals(IoContext& io, std::function<void(int)> first, std::function<void(int)> again)
      : signals_{io, SIGINT, SIGTERM}, first_{std::move(first)}, again_{std::move(again)} {}

  void wait() {
    signals_.async_wait([weak = weak_from_this()](boost::system::error_code error, int number) {
      const auto self = weak.lock();
      if (!self || error) return;
      self->act_on(number);
      self->wait();
    });
  }

 private:
  void act_on(int number) {
    const auto request = requests_.note(std::chrono::steady_clock::now());
    if (request == StopRequests::Kind::again) again_(number);
    if (request != StopRequests::Kind::first) return;
    first_(number);
    requests_.acted(std::chrono::steady_clock::now());
  }

  boost::asio::signal_set signals_;
  std::function<void(int)> first_, again_;
  StopRequests requests_;
};

std::string name_of(int number) { return number == SIGINT ? "SIGINT" : "SIGTERM"; }

}  // namespace

void Server::State::stop(std::chrono::milliseconds most) {
  if (ended) return;
  drain(
      [self = shared_from_this()] {
        if (self->ended) return;
        self->patience.cancel();
        self->context->io.stop();
      },
      nullptr);
  patience.expires_after(most);
  patience.async_wait([weak = weak_from_this()](boost::system::error_code error) {
    if (const auto self = weak.lock(); self && !error) self->give_up();
  });
}

void Server::State::give_up() {
  if (ended) return;
  each_running([this](const RunningRequest& each) { context->log.error(words_of_loss(each)); });
  if (const auto left = context->connections.size(); left > 0)
    context->log.warning(std::to_string(left) + " connections are left, and closed");
  context->io.stop();
}

void Server::stop(std::chrono::milliseconds patience) {
  boost::asio::post(state_->context->io, [weak = std::weak_ptr{state_}, patience] {
    if (const auto state = weak.lock()) state->stop(patience);
  });
}

void Server::run(std::chrono::milliseconds patience) {
  ServerContext& context = *state_->context;
  const auto stop = [this, &context, patience](int number) {
    context.log.info(name_of(number) + ": stopping, requests may finish within " +
                     in_seconds(patience));
    state_->stop(patience);
  };
  const auto stop_at_once = [this, &context](int number) {
    context.log.info(name_of(number) + " again: stopping at once");
    state_->give_up();
  };
  const auto signals = std::make_shared<StopSignals>(context.io, stop, stop_at_once);
  signals->wait();
  if (context.io.stopped()) context.io.restart();
  context.io.run();
}

}  // namespace spawning
