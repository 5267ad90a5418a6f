// SPDX-License-Identifier: MIT
#include "spawning/worker.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "worker/worker_state.hpp"

namespace spawning {
namespace {

// A report must fit into a message; of a longer traceback the end says most.
constexpr std::size_t kLongestTraceback = 64 << 10;

}  // namespace

Worker::Worker(Seat seat) : state_{std::make_unique<State>(std::move(seat))} {}
Worker::~Worker() = default;

std::string Worker::settings() {
  std::unique_lock lock{state_->mutex};
  state_->changed.wait(lock, [this] { return state_->settings || state_->ended; });
  return state_->settings.value_or("");
}

void Worker::on_overdue(std::function<void(const OverdueRequest&)> observer) {
  state_->on_overdue = std::move(observer);
}

void Worker::on_hub_stall(std::function<void(std::chrono::steady_clock::duration)> observer) {
  state_->on_hub_stall = std::move(observer);
}

void Worker::on_last_words(std::function<void()> speaker) {
  state_->run_on_io([this, &speaker] { state_->on_last_words = std::move(speaker); });
}

void Worker::log_accesses(LogFormat format) {
  State& state = *state_;
  state.run_on_io([&state, &format] { state.log_accesses(std::move(format)); });
}

void Worker::State::make_pool(Handler& application, const std::optional<GreenOptions>& greenlets) {
  if (greenlets) {
    auto made = std::make_unique<GreenPool>(application, log, greenlets->most);
    green_pool = made.get();
    hub_watch.emplace(*green_pool, greenlets->stall, log, slot.hub_stalls);
    hub_watch->on_stall(on_hub_stall);
    pool = std::move(made);
  } else {
    auto made = std::make_unique<WorkerPool>(application, log);
    thread_pool = made.get();
    pool = std::move(made);
  }
  pool->publish_to({&slot.requests_running, &slot.requests_queued, &slot.threads_idle,
                    &slot.requests_completed, &scoreboard.running(seat.slot)});
  pool->on_idle([this] {
    if (!accept_paused.exchange(false)) return;
    boost::asio::post(io, [this] {
      if (server) server->accept_again();
    });
  });
  relief.emplace(io, *pool, Siblings{scoreboard, seat.slot});
  pool->on_wait([this] { relief->request_waits(); });
}

void Worker::ready(Handler& application, HttpConfig config, std::optional<GreenOptions> greenlets) {
  State& state = *state_;
  state.make_pool(application, greenlets);
  state.run_on_io([&state, &config] {
    if (state.draining) return state.pool->stop();
    state.request_timeout = config.request_timeouts.request;
    state.server =
        std::make_unique<Server>(state.io, *state.pool, state.log, config, &state.observer);
    state.server->accept_while([&state] { return state.may_accept(); });
    state.server->hand_over_to([&state](HandedConnection& each) { return state.give_away(each); });
    if (state.thread_pool != nullptr) {
      state.server->between_turns([&state] { state.thread_pool->wait_for_room(); });
    }
    state.server->on_sweep([&state] {
      const bool again = state.hub_watch && state.hub_watch->look(std::chrono::steady_clock::now());
      if (!state.draining) state.relief->look_around(*state.server);
      return again;
    });
    state.slot.state = WorkerState::ready;
    state.channel->send(control::encode(control::Ready{}));
  });
}

void Worker::failed(const LoadFailure& failure) {
  control::Failed report{failure.summary, failure.traceback, failure.files};
  if (report.traceback.size() > kLongestTraceback) {
    report.traceback.erase(0, report.traceback.size() - kLongestTraceback);
  }
  State& state = *state_;
  state.run_on_io([&state, &report] {
    if (state.channel) state.channel->send(control::encode(report));
    state.draining = true;
    state.end();
  });
}

void Worker::report_modules(std::vector<std::string> files) {
  State& state = *state_;
  boost::asio::post(state.io, [&state, files = std::move(files)]() mutable {
    if (!state.channel) return;
    for (const control::Modules& message : control::in_messages(std::move(files)))
      state.channel->send(control::encode(message));
  });
}

void Worker::run() { state_->thread_pool->run(); }

bool Worker::wait_for_call() { return state_->thread_pool->wait(); }

bool Worker::run_one() { return state_->thread_pool->run_one(); }

void Worker::wake_another() { state_->thread_pool->wake_another(); }

GreenPool* Worker::green() const { return state_->green_pool; }

void Worker::drain() {
  State& state = *state_;
  boost::asio::post(state.io, [&state] { state.leave(); });
}

bool Worker::wait_at_console() { return state_->console.wait(); }

UniqueFd Worker::accept_at_console() { return state_->console.accept(); }

int Worker::finished_fd() const { return state_->finished.get(); }

void Worker::wait() {
  std::unique_lock lock{state_->mutex};
  state_->changed.wait(lock, [this] { return state_->ended; });
}

std::optional<std::chrono::steady_clock::duration> Worker::time_left() const {
  const std::lock_guard lock{state_->mutex};
  if (!state_->killed_at) return std::nullopt;
  return std::max(*state_->killed_at - std::chrono::steady_clock::now(),
                  std::chrono::steady_clock::duration::zero());
}

unsigned Worker::slot() const { return state_->seat.slot; }

std::uint64_t Worker::generation() const { return state_->seat.generation; }

}  // namespace spawning
