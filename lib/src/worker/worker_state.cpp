// SPDX-License-Identifier: MIT
#include "worker/worker_state.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cstdlib>
#include <exception>
#include <future>
#include <utility>

#include "base/descriptor_table.hpp"
#include "base/quiet_thread.hpp"
#include "base/scheduling.hpp"
#include "spawning/error.hpp"

namespace spawning {
namespace {

// Other workers hand their connections over meanwhile, one after the other.
constexpr std::chrono::seconds kSettling{1};

// A supervisor that does not get on, or is older than Leaving, keeps nobody from ending.
constexpr std::chrono::seconds kPatienceWithSupervisor{5};

// For the access log of a process that is about to be killed; it has a second in all.
constexpr std::chrono::milliseconds kLastLines{200};

UniqueFd make_event() {
  UniqueFd event{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!event) throw_last_error("eventfd");
  return event;
}

}  // namespace

Worker::State::State(Seat&& inherited)
    : seat{std::move(inherited)},
      finished{make_event()},
      console{std::move(seat.console)},
      scoreboard{Scoreboard::adopt(std::move(seat.scoreboard))},
      slot{scoreboard.occupy(seat.slot)} {
  reserve_descriptors();  // no other thread is there yet
  slot.generation = seat.generation;
  channel = std::make_unique<ControlChannel>(
      io, std::move(seat.control),
      ControlChannel::Callbacks{
          .message =
              [this](std::string_view line, std::vector<UniqueFd> descriptors) {
                receive(line, std::move(descriptors));
              },
          .closed = [this] { orphaned(); }});
  thread = start_quiet_thread("spawning-io", [this] {
    prefer(Scheduling::prompt);
    io.run();
  });
}

Worker::State::~State() {
  if (pool) pool->stop();
  run_on_io([this] {
    if (relief) relief->stop();
    settling.cancel();
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
    return log.error(
        "the supervisor sent a message that is not understood, so `spawn` and its "
        "Python package may differ in version; reload, or restart: " +
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
    if (!deadline) deadline = std::chrono::steady_clock::now() + drain_order->deadline;
    time_again = drain_order->as_long_again ? std::optional{drain_order->deadline} : std::nullopt;
    drain(drain_order->hand_over);
  } else if (auto* connections = std::get_if<control::Connections>(&*message)) {
    if (connections->states.empty()) return dealt_out();
    adopt(std::move(*connections), std::move(descriptors));
  } else if (std::holds_alternative<control::AccessLogFile>(*message)) {
    take_access_log(std::move(descriptors));
  } else if (const auto* streams = std::get_if<control::StandardStreams>(&*message)) {
    take_streams(*streams, descriptors);
  } else if (std::holds_alternative<control::Explain>(*message)) {
    explain();
  }
}

void Worker::State::take_access_log(std::vector<UniqueFd> descriptors) {
  if (descriptors.size() != 1 || !descriptors.front()) {
    return log.error(
        "the access log could not be taken: this process may have no more descriptors; raise their "
        "limit (ulimit -n), and send SIGUSR1 to the supervisor");
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
    log.error(std::string{"the access log cannot be used: "} + error.what() +
              "; this worker's requests are missing in it");
  }
}

void Worker::State::log_accesses(LogFormat format) {
  if (!access_log_file && !log_to_output()) {
    return log.warning(
        "there is no access log: standard output is closed; --access-log-file names a file");
  }
  use_access_log_file(std::move(format));
}

bool Worker::State::log_to_output() {
  access_log_file.reset(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
  logs_to_output = static_cast<bool>(access_log_file);
  return logs_to_output;
}

void Worker::State::take_streams(const control::StandardStreams& streams,
                                 const std::vector<UniqueFd>& descriptors) {
  std::vector<int> places;
  if (streams.output) places.push_back(STDOUT_FILENO);
  if (streams.errors) places.push_back(STDERR_FILENO);
  const bool all = std::ranges::equal(descriptors, places, [](const UniqueFd& file, int place) {
    return ::dup2(file.get(), place) >= 0;
  });
  if (!all)
    return log.error("a stream could not be taken: this process may have no more descriptors");
  if (streams.output && logs_to_output && log_to_output()) use_access_log_file(std::nullopt);
}

void Worker::State::serve() {
  if (!server || draining) return;
  for (auto& listener : seat.listeners) server->listen(std::move(listener));
  seat.listeners.clear();
  slot.state = WorkerState::serving;
  console.open();
  settle_in();
}

// Clients wait while their connections are on the way between workers, but not afterwards: when
// octets arrive while an application thread runs, it may run on, and more of them are found at once.
// A fifth more requests a second; docs/decisions/0003.
void Worker::State::settle_in() {
  settling.expires_after(kSettling);
  settling.async_wait([this](boost::system::error_code error) {
    if (!error && !draining) prefer(Scheduling::unhurried);
  });
}

// Until the supervisor knows it deals connections out to this worker, too.
void Worker::State::leave() {
  if (draining) return;
  if (!server) return drain(false);
  if (std::exchange(leaving, true)) return;
  channel->send(control::encode(control::Leaving{}));
  patience_with_supervisor.expires_after(kPatienceWithSupervisor);
  patience_with_supervisor.async_wait([this](boost::system::error_code error) {
    if (!error && !draining) drain(false);
  });
}

void Worker::State::drain(bool hand_over) {
  const bool again = std::exchange(draining, true);
  console.close();
  if (again && (hand_over || !server)) return;
  settling.cancel();
  patience_with_supervisor.cancel();
  prefer(Scheduling::prompt);
  seat.listeners.clear();
  slot.state = WorkerState::draining;
  hands_over = hand_over;
  if (!server) return end();
  await_drained();
}

void Worker::State::await_drained() {
  server->drain(
      [this] { drained(); },
      hands_over ? [this](HandedConnection& each) { return give_away(each); } : Server::HandOver{});
}

// No connection is left here. Of those given away some may come back.
void Worker::State::drained() {
  if (!departures.settled()) return;
  if (!channel) return end();
  channel->when_sent([this] { end(); });
}

// What has come back is here.
void Worker::State::dealt_out() {
  departures.dealt_out();
  if (draining && server) await_drained();
}

void Worker::State::orphaned() {
  channel.reset();
  deadline.reset();
  time_again.reset();
  // While the application loads there is nothing to finish, and nobody else who could end this
  // process.
  if (!server && !draining) std::_Exit(EXIT_FAILURE);
  drain(false);
}

void Worker::State::end() {
  if (std::exchange(ending, true)) return;
  console.close();
  // Without a server the pool may be in the making, on the thread that calls ready(); it is stopped
  // there.
  if (server) pool->stop();
  const std::lock_guard lock{mutex};
  killed_at = time_again ? std::chrono::steady_clock::now() + *time_again : deadline;
  ended = true;
  changed.notify_all();
  if (::eventfd_write(finished.get(), 1) != 0)
    log.error("the end of this worker cannot be signalled; it is killed when --deadman is over");
}

// Its thread may never come back, and the next request may be the end of another one.
void Worker::State::overdue(const OverdueRequest& request) {
  if (channel && !std::exchange(unfit, true))
    channel->send(control::encode(control::Overdue{request_timeout}));
  if (on_overdue) on_overdue(request);
}

void Worker::State::explain() {
  if (server) log_lost_requests(*server, log);
  if (on_last_words) on_last_words();
  if (access_log) static_cast<void>(access_log->flush(kLastLines));
  if (channel) channel->send(control::encode(control::Explained{}));
}

}  // namespace spawning
