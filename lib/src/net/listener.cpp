// SPDX-License-Identifier: MIT
#include "spawning/listener.hpp"

#include <sys/socket.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <optional>
#include <utility>

#include "spawning/error.hpp"

namespace spawning {
namespace {

// What accept(2) reports when this process or the system is short of something, not the one
// connection.
bool is_exhaustion(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

int option(int fd, int name, const char* what) {
  int value = 0;
  socklen_t length = sizeof value;
  if (::getsockopt(fd, SOL_SOCKET, name, &value, &length) != 0) throw_last_error(what);
  return value;
}

// Checked before the descriptor is given to the loop: epoll would take nearly anything.
UniqueFd require_listening(UniqueFd socket) {
  if (option(socket.get(), SO_ACCEPTCONN, "adopting a listening socket") == 0) {
    throw std::system_error{std::make_error_code(std::errc::invalid_argument),
                            "the socket does not listen"};
  }
  return socket;
}

}  // namespace

struct Listener::State : std::enable_shared_from_this<State> {
  State(IoContext& io, UniqueFd listening, Sink target, ListenerOptions how)
      : socket{io, listening.get()}, rest{io}, sink{std::move(target)}, options{std::move(how)} {
    [[maybe_unused]] const int adopted = listening.release();
    socket.non_blocking(true);
  }

  void wait();
  void accept_some();
  [[nodiscard]] bool accept_one();
  void rest_a_while();

  // Not a boost::asio acceptor: that one accepts whenever it can, and we must be able to look
  // first.
  boost::asio::posix::stream_descriptor socket;
  boost::asio::steady_timer rest;
  Sink sink;
  ListenerOptions options;
  bool waiting = false;  // an async_wait is pending
  bool paused = false;   // until resume()
  bool resting = false;  // until the timer says so
  bool closed = false;
};

void Listener::State::wait() {
  if (waiting || paused || resting || closed) return;
  waiting = true;
  socket.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                    [self = shared_from_this()](boost::system::error_code error) {
                      self->waiting = false;
                      if (error || self->closed) return;
                      self->accept_some();
                      self->wait();
                    });
}

void Listener::State::accept_some() {
  for (unsigned i = 0; i < options.accepts_per_wakeup && !paused && !resting && !closed; ++i) {
    if (options.may_accept && !options.may_accept()) {
      paused = true;
      return;
    }
    if (!accept_one()) return;
  }
}

// False if there is nobody now, or nothing to take anybody with.
bool Listener::State::accept_one() {
  UniqueFd connection{
      ::accept4(socket.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
  if (connection) {
    sink(std::move(connection));
  } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
    return false;
  } else if (is_exhaustion(errno)) {
    rest_a_while();
    return false;
  }
  // Anything else was one connection's end: ECONNABORTED, EPERM by a firewall, its network error.
  return true;
}

void Listener::State::rest_a_while() {
  resting = true;
  rest.expires_after(options.exhaustion_pause);
  rest.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (error) return;
    self->resting = false;
    self->wait();
  });
}

Listener::Listener(IoContext& context, UniqueFd socket, Sink sink, ListenerOptions options)
    : state_{std::make_shared<State>(context, require_listening(std::move(socket)), std::move(sink),
                                     std::move(options))} {
  state_->wait();
}

Listener::~Listener() {
  state_->closed = true;
  state_->rest.cancel();
  boost::system::error_code ignored;
  state_->socket.close(ignored);  // closes our copy only
}

void Listener::pause() { state_->paused = true; }

void Listener::resume() {
  state_->paused = false;
  state_->wait();
}

void Listener::rest() { state_->rest_a_while(); }

bool Listener::accept_all() {
  state_->resting = false;
  while (!state_->resting && state_->accept_one()) {
  }
  return !state_->resting;
}

}  // namespace spawning
