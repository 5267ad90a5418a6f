// SPDX-License-Identifier: MIT
#include "spawning/in_process_server.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <string>
#include <thread>
#include <utility>

#include "base/descriptor_table.hpp"
#include "base/quiet_thread.hpp"
#include "spawning/access_log.hpp"
#include "spawning/asio.hpp"
#include "spawning/error.hpp"
#include "spawning/scoreboard.hpp"
#include "spawning/server.hpp"
#include "spawning/worker_pool.hpp"
#include "worker/worker_observer.hpp"

namespace spawning {
namespace {

// There is nobody to take it: it ends where nothing of a request is here.
bool close_connection(HandedConnection& connection) {
  connection.socket.reset();
  return true;
}

}  // namespace

// The Server and the timer on the I/O thread; threads of the application come through the pool.
struct InProcessServer::State {
  State(ListeningSocket listening, Handler& application, const Log& destination,
        InProcessConfig config);

  [[nodiscard]] bool is_ours() const { return owner == ::getpid(); }

  // On the I/O thread.
  void drain(const InProcessDrain& how);
  void give_up();
  void end();

  void let_go() const noexcept;

  const pid_t owner = ::getpid();
  Log log;
  ListeningSocket socket;
  Address address{Address::local(socket.fd.get())};
  std::array<int, 2> copies{socket.fd.get(), -1};  // of the listening socket: ours, the server's
  struct stat socket_identity {};
  UniqueFd finished{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  ScoreboardSlot slot;  // nobody else reads it
  std::optional<AccessLog> access_log;
  WorkerObserver observer{slot, log, [](const OverdueRequest&) {}};
  IoContext io{1};
  boost::asio::executor_work_guard<IoContext::executor_type> guard{io.get_executor()};
  WorkerPool pool;
  boost::asio::steady_timer patience{io};
  std::unique_ptr<Server> server;
  std::thread thread;
};

InProcessServer::State::State(ListeningSocket listening, Handler& application,
                              const Log& destination, InProcessConfig config)
    : log{destination}, socket{std::move(listening)}, pool{application, log} {
  if (!finished) throw_last_error("eventfd");
  if (config.access_log) {
    access_log.emplace(*std::move(config.access_log), copy_of(STDOUT_FILENO), log);
    observer.log_accesses(*access_log);
  }
  server = std::make_unique<Server>(io, pool, log, std::move(config.http), &observer);
  server->between_turns([this] { pool.wait_for_room(); });
  UniqueFd copy = copy_of(socket.fd.get());
  copies[1] = copy.get();
  if (::fstat(copy.get(), &socket_identity) != 0) throw_last_error("fstat");
  server->listen(std::move(copy));
  thread = start_quiet_thread("spawning-io", [this] { io.run(); });
}

void InProcessServer::State::drain(const InProcessDrain& how) {
  if (!server) return;
  if (how.newcomers) {
    if (const auto error = socket.turn_newcomers_away())
      log.warning("who connects now may be reset: " + error.message());
  }
  server->drain([this] { end(); },
                how.newcomers ? Server::HandOver{} : Server::HandOver{close_connection});
  patience.expires_after(how.patience);
  patience.async_wait([this](boost::system::error_code error) {
    if (!error) give_up();
  });
}

void InProcessServer::State::give_up() {
  if (!server) return;
  log_lost_requests(*server, log);
  end();
}

void InProcessServer::State::end() {
  patience.cancel();
  server.reset();
  socket.fd.reset();
  pool.stop();
  // It fails only where the counter is full: who waits is told already.
  static_cast<void>(::eventfd_write(finished.get(), 1));
}

// Their numbers stay taken, because objects that are of no use here would close them.
void InProcessServer::State::let_go() const noexcept {
  const UniqueFd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  for (const int copy : copies) {
    struct stat found {};
    const bool still_it = ::fstat(copy, &found) == 0 && found.st_ino == socket_identity.st_ino &&
                          found.st_dev == socket_identity.st_dev;
    if (still_it) [[maybe_unused]]
      const int ignored = ::dup3(null.get(), copy, O_CLOEXEC);
  }
}

InProcessServer::InProcessServer(ListeningSocket socket, Handler& application, const Log& log,
                                 InProcessConfig config)
    : state_{std::make_unique<State>(std::move(socket), application, log, std::move(config))} {}

InProcessServer::~InProcessServer() {
  if (state_->is_ours()) {
    stop();
  } else {
    // Its threads are not here, and what they held is held for ever.
    [[maybe_unused]] const State* const ignored = state_.release();
  }
}

const Address& InProcessServer::address() const { return state_->address; }

bool InProcessServer::wait_for_call() { return state_->pool.wait(); }

bool InProcessServer::run_one() { return state_->pool.run_one(); }

void InProcessServer::drain(InProcessDrain how) {
  if (!state_->is_ours()) return;
  boost::asio::post(state_->io, [&state = *state_, how] { state.drain(how); });
}

int InProcessServer::finished_fd() const { return state_->finished.get(); }

void InProcessServer::stop() {
  State& state = *state_;
  if (!state.is_ours() || !state.thread.joinable()) return;
  boost::asio::post(state.io, [&state] {
    state.give_up();
    state.guard.reset();
  });
  state.thread.join();
}

void InProcessServer::let_go_in_child() noexcept { state_->let_go(); }

}  // namespace spawning
