// SPDX-License-Identifier: MIT
#include "spawning/worker.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <future>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "control/message.hpp"
#include "spawning/access_log.hpp"
#include "spawning/asio.hpp"
#include "spawning/control_channel.hpp"
#include "spawning/error.hpp"
#include "spawning/log.hpp"
#include "spawning/scoreboard.hpp"
#include "spawning/server.hpp"
#include "spawning/worker_pool.hpp"
#include "worker/departures.hpp"
#include "worker/io_thread.hpp"
#include "worker/relief.hpp"
#include "worker/worker_observer.hpp"

namespace spawning {
namespace {

// A report must fit into a message; of a longer traceback the end says most.
constexpr std::size_t kLongestTraceback = 64 << 10;

// How long new connections are left to siblings while every thread is busy, and how many are taken then.
constexpr std::chrono::milliseconds kSiblingsChance{10};
constexpr unsigned kNewcomers = 4;

// For the access log of a process that is about to be killed; it has a second in all.
constexpr std::chrono::milliseconds kLastLines{200};

UniqueFd make_event() {
  UniqueFd event{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!event) throw_last_error("eventfd");
  return event;
}

}  // namespace

struct Worker::State {
  explicit State(Seat&& inherited);
  ~State();

  // On the I/O thread.
  void receive(std::string_view line, std::vector<UniqueFd> descriptors);
  void serve();
  void drain(bool hand_over);
  void drained();
  void adopt(control::Connections connections, std::vector<UniqueFd> sockets) const;
  [[nodiscard]] bool give_away(HandedConnection& connection);
  void orphaned();
  void end();
  void overdue(const OverdueRequest& request);
  void explain();
  void take_access_log(std::vector<UniqueFd> descriptors);
  void use_access_log_file(std::optional<LogFormat> format);
  void log_accesses(LogFormat format);
  [[nodiscard]] bool may_accept();
  void look_at_the_backlog_later();

  void run_on_io(std::function<void()> task);

  Seat seat;
  Log log{STDERR_FILENO, "worker"};
  UniqueFd finished = make_event();
  Scoreboard scoreboard;
  ScoreboardSlot& slot;
  std::optional<AccessLog> access_log;  // made before the server
  WorkerObserver observer{slot, log, [this](const OverdueRequest& request) { overdue(request); }};
  IoContext io{1};
  boost::asio::executor_work_guard<IoContext::executor_type> guard{io.get_executor()};

  std::mutex mutex;
  std::condition_variable changed;
  std::optional<std::string> settings;
  bool ended = false;

  std::optional<WorkerPool> pool;  // made by ready(), before the I/O thread hears of it
  std::atomic<bool> accept_paused{false};
  std::function<void(const OverdueRequest&)> on_overdue;

  // The I/O thread's own.
  std::function<void()> on_last_words;
  UniqueFd access_log_file;  // until there is an access log
  std::unique_ptr<Server> server;
  std::unique_ptr<ControlChannel> channel;
  boost::asio::steady_timer backlog_timer{io};
  unsigned accept_anyway = 0;  // so many connections, however busy the threads are
  std::chrono::milliseconds request_timeout{0};
  bool draining = false;
  bool ending = false;
  bool unfit = false;  // a thread is lost; the supervisor knows
  Departures departures{io, channel};
  std::optional<Relief> relief;  // made by ready(), as the pool

  std::thread thread;
};

Worker::State::State(Seat&& inherited)
    : seat{std::move(inherited)},
      scoreboard{Scoreboard::adopt(std::move(seat.scoreboard))},
      slot{scoreboard.occupy(seat.slot)} {
  slot.generation = seat.generation;
  channel = std::make_unique<ControlChannel>(
      io, std::move(seat.control),
      ControlChannel::Callbacks{
          .message =
              [this](std::string_view line, std::vector<UniqueFd> descriptors) {
                receive(line, std::move(descriptors));
              },
          .closed = [this] { orphaned(); }});
  thread = start_io_thread([this] { io.run(); });
}

Worker::State::~State() {
  if (pool) pool->stop();
  run_on_io([this] {
    if (relief) relief->stop();
    server.reset();
    channel.reset();
    guard.reset();
  });
  thread.join();
}

void Worker::State::run_on_io(std::function<void()> task) {
  std::promise<void> done;
  boost::asio::post(io, [&] {
    task();
    done.set_value();
  });
  done.get_future().wait();
}

void Worker::State::receive(std::string_view line, std::vector<UniqueFd> descriptors) {
  auto message = control::decode(line);
  if (!message)
    return log.error("the supervisor sent a message that is not understood: " +
                     std::string{line.substr(0, 200)});
  if (const auto* configure = std::get_if<control::Configure>(&*message)) {
    const std::lock_guard lock{mutex};
    settings = configure->settings;
    changed.notify_all();
  } else if (std::holds_alternative<control::Serve>(*message)) {
    serve();
  } else if (std::holds_alternative<control::AnnounceClose>(*message)) {
    if (server) server->announce_close();
  } else if (const auto* drain_order = std::get_if<control::Drain>(&*message)) {
    drain(drain_order->hand_over);
  } else if (auto* connections = std::get_if<control::Connections>(&*message)) {
    adopt(std::move(*connections), std::move(descriptors));
  } else if (std::holds_alternative<control::AccessLogFile>(*message)) {
    take_access_log(std::move(descriptors));
  } else if (std::holds_alternative<control::Explain>(*message)) {
    explain();
  }
}

void Worker::State::take_access_log(std::vector<UniqueFd> descriptors) {
  if (descriptors.size() != 1 || !descriptors.front()) {
    return log.error(
        "the access log could not be taken: this process may have no more descriptors");
  }
  access_log_file = std::move(descriptors.front());
  if (access_log) use_access_log_file(std::nullopt);
}

// Says why it cannot be used, rather than end what serves.
void Worker::State::use_access_log_file(std::optional<LogFormat> format) {
  try {
    if (format) {
      access_log.emplace(*std::move(format), std::move(access_log_file), log);
      observer.log_accesses(*access_log);
    } else {
      access_log->reopen(std::move(access_log_file));
    }
  } catch (const std::exception& error) {
    log.error(std::string{"the access log cannot be used: "} + error.what());
  }
}

void Worker::State::log_accesses(LogFormat format) {
  if (!access_log_file) {
    access_log_file.reset(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
    if (!access_log_file) return log.warning("there is no access log: standard output is closed");
  }
  use_access_log_file(std::move(format));
}

void Worker::State::serve() {
  if (!server || draining) return;
  for (auto& listener : seat.listeners) server->listen(std::move(listener));
  seat.listeners.clear();
  slot.state = WorkerState::serving;
}

// Work that a sibling could do at once is left to it: while every thread is busy, new connections
// stay in the kernel's queue, which all workers share.
bool Worker::State::may_accept() {
  if (!pool->saturated()) return true;
  if (accept_anyway > 0) {
    --accept_anyway;
    return true;
  }
  accept_paused = true;
  look_at_the_backlog_later();
  // A thread may have become free between the two lines above, and found nothing to resume.
  return !pool->saturated() && accept_paused.exchange(false);
}

// Threads that are busy without a pause but get on must not keep newcomers out for as long as older
// connections bring them work: siblings have had their chance by now. Threads that are stuck do.
void Worker::State::look_at_the_backlog_later() {
  backlog_timer.expires_after(kSiblingsChance);
  backlog_timer.async_wait([this, before = pool->completed()](boost::system::error_code error) {
    if (error || !server || !accept_paused) return;
    if (pool->completed() == before) return look_at_the_backlog_later();
    accept_paused = false;
    accept_anyway = kNewcomers;
    server->accept_again();
  });
}

void Worker::State::drain(bool hand_over) {
  const bool again = std::exchange(draining, true);
  if (again && (hand_over || !server)) return;
  seat.listeners.clear();
  slot.state = WorkerState::draining;
  if (!server) return end();
  server->drain(
      [this] { drained(); },
      hand_over ? [this](HandedConnection& each) { return give_away(each); } : Server::HandOver{});
}

// No connection is left here. Those given away may still be on their way to the channel.
void Worker::State::drained() {
  departures.send();
  if (!channel) return end();
  channel->when_sent([this] { end(); });
}

// Connections that a sibling has given away.
void Worker::State::adopt(control::Connections connections, std::vector<UniqueFd> sockets) const {
  slot.connections_adopted += sockets.size();
  if (!server || sockets.size() != connections.states.size())
    return log.error("connections came that cannot be served, and are closed");
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    if (!sockets[i]) {
      log.error("a connection was dropped: this process may have no more descriptors");
      continue;
    }
    auto& state = connections.states[i];
    server->adopt(HandedConnection{std::move(sockets[i]), state.requests, std::move(state.proxied),
                                   std::move(state.octets), state.moves});
  }
}

bool Worker::State::give_away(HandedConnection& connection) {
  if (!channel) return false;
  const bool to_anybody = draining && connection.octets.empty();
  departures.add(std::move(connection), to_anybody ? std::vector<unsigned>{} : relief->takers());
  return true;
}

void Worker::State::orphaned() {
  channel.reset();
  // While the application loads there is nothing to finish, and nobody else who could end this
  // process.
  if (!server && !draining) std::_Exit(EXIT_FAILURE);
  drain(false);
}

void Worker::State::end() {
  if (std::exchange(ending, true)) return;
  // Without a server the pool may be in the making, on the thread that calls ready(); it is stopped
  // there.
  if (server) pool->stop();
  const std::lock_guard lock{mutex};
  ended = true;
  changed.notify_all();
  if (::eventfd_write(finished.get(), 1) != 0)
    log.error("the end of this worker cannot be signalled");
}

// Its thread may never come back, and the next request may be the end of another one.
void Worker::State::overdue(const OverdueRequest& request) {
  if (channel && !std::exchange(unfit, true))
    channel->send(control::encode(control::Overdue{request_timeout}));
  if (on_overdue) on_overdue(request);
}

void Worker::State::explain() {
  if (server) {
    server->each_running([this](const RunningRequest& request) {
      log.warning("a request still runs after " + in_seconds(request.running) + ": " +
                  describe(request));
    });
  }
  if (on_last_words) on_last_words();
  if (access_log) static_cast<void>(access_log->flush(kLastLines));
  if (channel) channel->send(control::encode(control::Explained{}));
}

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

void Worker::on_last_words(std::function<void()> speaker) {
  state_->run_on_io([this, &speaker] { state_->on_last_words = std::move(speaker); });
}

void Worker::log_accesses(LogFormat format) {
  State& state = *state_;
  state.run_on_io([&state, &format] { state.log_accesses(std::move(format)); });
}

void Worker::ready(Handler& application, HttpConfig config, LogLevel log_level) {
  State& state = *state_;
  state.pool.emplace(application, state.log);
  state.pool->publish_to({&state.slot.requests_running, &state.slot.requests_queued,
                          &state.slot.threads_idle, &state.slot.requests_completed});
  state.pool->on_idle([&state] {
    if (!state.accept_paused.exchange(false)) return;
    boost::asio::post(state.io, [&state] {
      if (state.server) state.server->accept_again();
    });
  });
  state.relief.emplace(state.io, *state.pool, Siblings{state.scoreboard, state.seat.slot});
  state.pool->on_wait([&state] { state.relief->request_waits(); });
  state.run_on_io([&state, &config, log_level] {
    state.log.set_threshold(log_level);
    if (state.draining) return state.pool->stop();
    state.request_timeout = config.request_timeouts.request;
    state.server =
        std::make_unique<Server>(state.io, *state.pool, state.log, config, &state.observer);
    state.server->accept_while([&state] { return state.may_accept(); });
    state.server->hand_over_to([&state](HandedConnection& each) { return state.give_away(each); });
    state.server->on_sweep([&state] {
      if (!state.draining) state.relief->look_around(*state.server);
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

void Worker::run() { state_->pool->run(); }

bool Worker::wait_for_call() { return state_->pool->wait(); }

bool Worker::run_one() { return state_->pool->run_one(); }

void Worker::drain() {
  State& state = *state_;
  boost::asio::post(state.io, [&state] { state.drain(false); });
}

int Worker::finished_fd() const { return state_->finished.get(); }

void Worker::wait() {
  std::unique_lock lock{state_->mutex};
  state_->changed.wait(lock, [this] { return state_->ended; });
}

unsigned Worker::slot() const { return state_->seat.slot; }

std::uint64_t Worker::generation() const { return state_->seat.generation; }

}  // namespace spawning
