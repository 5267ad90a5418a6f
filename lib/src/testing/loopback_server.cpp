// SPDX-License-Identifier: MIT
#include "spawning/loopback_server.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/quiet_thread.hpp"
#include "spawning/asio.hpp"
#include "spawning/error.hpp"
#include "spawning/listener.hpp"
#include "spawning/listening_socket.hpp"
#include "spawning/log.hpp"
#include "spawning/server.hpp"
#include "testing/passage.hpp"

namespace spawning::testing {
namespace {

std::pair<UniqueFd, UniqueFd> make_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0)
    throw_last_error("socketpair");
  return {UniqueFd{ends[0]}, UniqueFd{ends[1]}};
}

}  // namespace

// The Handler of its own Server: stands between that and the Handler that is tested with.
struct LoopbackServer::State final : Handler {
  explicit State(const HttpConfig& config);
  ~State() override;

  void handle(Request request, Responder responder) override;
  void take(UniqueFd client);
  [[nodiscard]] Fault take_fault();

  std::optional<FunctionHandler> function;
  Handler* answers = nullptr;
  Log log{STDERR_FILENO, "loopback", {.threshold = LogLevel::warning}};
  IoContext io{1};
  Server server;
  std::map<std::uint16_t, std::weak_ptr<Passage>> passages;  // by the client's port
  std::uint16_t port = 0;
  std::optional<Listener> listener;
  std::atomic<std::size_t> requests{0};
  std::mutex mutex;
  std::deque<Fault> script;  // under the mutex
  std::thread thread;
};

LoopbackServer::State::State(const HttpConfig& config) : server{io, *this, log, config} {
  ListeningSocket socket = bind_listener("127.0.0.1:0");
  port = Address::local(socket.fd.get()).port;
  listener.emplace(io, std::move(socket.fd), [this](UniqueFd client) {
    try {
      take(std::move(client));
    } catch (const std::exception& error) {  // there are no descriptors left
      log.error(std::string{"a connection was dropped: "} + error.what());
    }
  });
}

LoopbackServer::State::~State() {
  io.stop();
  if (thread.joinable()) thread.join();
}

void LoopbackServer::State::take(UniqueFd client) {
  HandedConnection connection;
  connection.proxied = ConnectionInfo{Address::peer(client.get()), Address::local(client.get())};
  const std::uint16_t key = connection.proxied->peer.port;
  auto [ours, servers] = make_pair();
  const auto passage = std::make_shared<Passage>(io, std::move(client), std::move(ours));
  passages[key] = passage;
  passage->start();
  connection.socket = std::move(servers);
  server.adopt(std::move(connection));
}

void LoopbackServer::State::handle(Request request, Responder responder) {
  ++requests;
  const Fault fault = take_fault();
  if (const auto passage = passages[request.connection->peer.port].lock())
    passage->begin_answer(fault);
  answers->handle(request, std::move(responder));
}

Fault LoopbackServer::State::take_fault() {
  const std::lock_guard lock{mutex};
  if (script.empty()) return {};
  const Fault fault = script.front();
  script.pop_front();
  return fault;
}

LoopbackServer::LoopbackServer(Handler& handler, const HttpConfig& config)
    : state_{std::make_unique<State>(config)} {
  state_->answers = &handler;
  state_->thread = start_quiet_thread("loopback", [&io = state_->io] { io.run(); });
}

LoopbackServer::LoopbackServer(FunctionHandler::Function function, const HttpConfig& config)
    : state_{std::make_unique<State>(config)} {
  state_->answers = &state_->function.emplace(std::move(function));
  state_->thread = start_quiet_thread("loopback", [&io = state_->io] { io.run(); });
}

LoopbackServer::~LoopbackServer() = default;

std::uint16_t LoopbackServer::port() const { return state_->port; }

std::string LoopbackServer::url(std::string_view target) const {
  return "http://127.0.0.1:" + std::to_string(state_->port) + std::string{target};
}

void LoopbackServer::next(const Fault& fault) {
  const std::lock_guard lock{state_->mutex};
  state_->script.push_back(fault);
}

std::size_t LoopbackServer::requests() const { return state_->requests; }

}  // namespace spawning::testing
