// SPDX-License-Identifier: MIT
#include "spawning/inheritance.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <stdexcept>
#include <utility>

#include "spawning/error.hpp"
#include "spawning/scoreboard.hpp"
#include "spawning/unique_fd.hpp"
#include "supervise/fleet.hpp"
#include "supervise/re_execution.hpp"
#include "supervise/supervisor_remains.hpp"

namespace spawning {
namespace {

namespace json = boost::json;

// What stands behind `-z`: {"state":7}, or {"trial":3,"scoreboard":4}.
struct RestartArgs {
  int state = -1;
  int trial = -1;
  int scoreboard = -1;  // of a trial
};

RestartArgs parse(const std::string& text) {
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  const json::object* object = error ? nullptr : value.if_object();
  const auto descriptor = [object](const char* name) {
    const json::value* number = object == nullptr ? nullptr : object->if_contains(name);
    boost::system::error_code wrong;
    const int fd = number == nullptr ? -1 : number->to_number<int>(wrong);
    return wrong ? -1 : fd;
  };
  const RestartArgs args{descriptor("state"), descriptor("trial"), descriptor("scoreboard")};
  if (args.state < 0 && (args.trial < 0 || args.scoreboard < 0))
    throw StartupError{"expected what a supervisor says that executes itself anew"};
  return args;
}

void require_sound(const SupervisorRemains& remains) {
  try {
    static_cast<void>(Fleet{{}, remains.fleet});
  } catch (const std::invalid_argument& error) {
    throw StartupError{"in what the supervisor left, " + std::string{error.what()}};
  }
}

void take(const std::vector<int>& descriptors) {
  for (int fd : descriptors) {  // all before any: a failure touches nothing
    if (::fcntl(fd, F_GETFD) < 0)
      throw StartupError{"descriptor " + std::to_string(fd) + " did not stay open"};
  }
  for (int fd : descriptors) {
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) throw_last_error("fcntl(F_SETFD)");
  }
}

ListeningSocket socket_of(SupervisorRemains::Listener&& remains) {
  ListeningSocket socket{.fd = UniqueFd{remains.fd}, .inherited = remains.inherited};
  if (remains.file) socket.file.emplace(std::move(*remains.file));
  return socket;
}

}  // namespace

Inheritance::Inheritance(const std::string& restart_args) {
  const RestartArgs args = parse(restart_args);
  on_trial_ = args.state < 0;
  const int fd = on_trial_ ? args.trial : args.state;
  const std::string text = read_sealed_memory(fd);
  std::vector<int> descriptors;
  remains_ = std::make_unique<SupervisorRemains>(read_remains(text, &descriptors));
  if (remains_->pid != (on_trial_ ? ::getppid() : ::getpid()))
    throw StartupError{"process " + std::to_string(remains_->pid) + " left that to itself"};
  require_sound(*remains_);
  if (on_trial_) {
    static_cast<void>(Scoreboard::adopt(UniqueFd{args.scoreboard}));
  } else {
    take(descriptors);
  }
  const UniqueFd memory{fd};  // closed
}

Inheritance::Inheritance(Inheritance&& other) noexcept = default;
Inheritance& Inheritance::operator=(Inheritance&& other) noexcept = default;
Inheritance::~Inheritance() = default;

std::vector<ListeningSocket> Inheritance::take_listeners() {
  std::vector<ListeningSocket> listeners;
  for (SupervisorRemains::Listener& each : std::exchange(remains_->listeners, {}))
    listeners.push_back(socket_of(std::move(each)));
  return listeners;
}

UniqueFd Inheritance::take_status_socket() {
  return UniqueFd{std::exchange(remains_->status_socket, -1)};
}

std::optional<ListeningSocket> Inheritance::take_console() {
  auto console = std::exchange(remains_->console, std::nullopt);
  if (!console) return std::nullopt;
  return socket_of(std::move(*console));
}

std::optional<Pidfile> Inheritance::take_pidfile() {
  auto held = std::exchange(remains_->pidfile, std::nullopt);
  if (!held) return std::nullopt;
  return Pidfile{UniqueFd{held->lock}, std::move(held->path)};
}

}  // namespace spawning
