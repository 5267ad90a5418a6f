// SPDX-License-Identifier: MIT
#include "supervise/service_notifier.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <utility>

#include "spawning/error.hpp"
#include "spawning/unique_fd.hpp"

namespace spawning {
namespace {

// The manager reads at once; a message that it has no room for is worth a moment's wait.
constexpr timeval kPatience{1, 0};

// One datagram. \returns what went wrong.
std::error_code send(const std::string& to, std::string_view message) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (to.size() >= sizeof address.sun_path || (to.front() != '/' && to.front() != '@'))
    return std::make_error_code(std::errc::address_family_not_supported);
  to.copy(address.sun_path, to.size());
  if (to.front() == '@') address.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + to.size());
  const UniqueFd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!socket ||
      ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience) != 0)
    return last_error();
  const ssize_t sent = ::sendto(socket.get(), message.data(), message.size(), MSG_NOSIGNAL,
                                reinterpret_cast<const sockaddr*>(&address), length);
  return sent < 0 ? last_error() : std::error_code{};
}

// CLOCK_MONOTONIC, as systemd compares it with the time at which it asked for a reload.
std::string monotonic_usec() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

}  // namespace

struct ServiceNotifier::State : std::enable_shared_from_this<State> {
  State(IoContext& context, ServiceManager m, const Log& l, std::function<bool()> h)
      : manager{std::move(m)}, log{l}, healthy{std::move(h)}, timer{context} {}

  void say(std::string_view message) {
    if (manager.notify_socket.empty()) return;
    const auto error = send(manager.notify_socket, message);
    if (!error || std::exchange(warned, true)) return;
    log.warning("the service manager cannot be told how the service is: NOTIFY_SOCKET " +
                manager.notify_socket + ": " + error.message() +
                "; it may take the service for one that has not started, or hangs");
  }

  void feed_the_watchdog() {
    if (manager.notify_socket.empty() || manager.watchdog.count() == 0) return;
    timer.expires_after(manager.watchdog / 2);
    timer.async_wait([self = shared_from_this()](boost::system::error_code error) {
      if (error || self->stopped) return;
      if (self->healthy()) self->say("WATCHDOG=1");
      self->feed_the_watchdog();
    });
  }

  const ServiceManager manager;
  const Log& log;
  const std::function<bool()> healthy;
  boost::asio::steady_timer timer;
  bool warned = false;
  bool stopped = false;
};

ServiceNotifier::ServiceNotifier(IoContext& context, ServiceManager manager, const Log& log,
                                 std::function<bool()> healthy)
    : state_{std::make_shared<State>(context, std::move(manager), log, std::move(healthy))} {
  state_->feed_the_watchdog();
}

ServiceNotifier::~ServiceNotifier() {
  state_->stopped = true;
  state_->timer.cancel();
}

void ServiceNotifier::ready(std::string_view status) {
  state_->say("READY=1\nSTATUS=" + std::string{status});
}

void ServiceNotifier::reloading() {
  state_->say("RELOADING=1\nMONOTONIC_USEC=" + monotonic_usec() + "\nSTATUS=reloading");
}

void ServiceNotifier::alive() {
  if (state_->manager.watchdog.count() > 0) state_->say("WATCHDOG=1");
}

void ServiceNotifier::stopping() { state_->say("STOPPING=1\nSTATUS=stopping"); }

}  // namespace spawning
