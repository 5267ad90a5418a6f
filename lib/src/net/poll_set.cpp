// SPDX-License-Identifier: MIT
#include "net/poll_set.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <span>
#include <utility>
#include <vector>

#include "spawning/error.hpp"

namespace spawning {
namespace {

// As many as Asio takes at once: whatever else the loop has to do waits no longer.
constexpr std::size_t kBatch = 128;

int make_epoll() {
  const int fd = ::epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) throw_last_error("epoll_create1");
  return fd;
}

PollSet::Events events_of(std::uint32_t bits) {
  const bool broken = (bits & (EPOLLERR | EPOLLHUP)) != 0;
  const bool broken_up = broken || (bits & (EPOLLRDHUP | EPOLLPRI)) != 0;
  return {.input = broken_up || (bits & EPOLLIN) != 0,
          .broken_up = broken_up,
          .output = broken || (bits & EPOLLOUT) != 0};
}

}  // namespace

struct PollSet::State : std::enable_shared_from_this<State> {
  explicit State(IoContext& io) : epoll{io, make_epoll()} {}

  void wait();
  void look();
  void tell_again();
  void look_soon();
  void control(int operation, int fd, std::uint32_t what, Socket& socket);
  void forget(Socket& socket);

  boost::asio::posix::stream_descriptor epoll;
  std::array<epoll_event, kBatch> events{};
  std::span<epoll_event> untold{};  // of these
  std::vector<Socket*> again{};     // null: it has been removed
  std::vector<Socket*> telling{};   // was `again`
  std::function<void()> pause{};
  std::size_t sockets = 0;
  bool waiting = false;  // for the kernel
  bool looking = false;  // the kernel's answer is being passed on
  bool posted = false;   // look() is to come
};

// Only while there is a socket, or the loop would never run out of work.
void PollSet::State::wait() {
  if (waiting || posted || sockets == 0) return;
  waiting = true;
  epoll.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                   [self = shared_from_this()](boost::system::error_code error) {
                     self->waiting = false;
                     if (!self->epoll.is_open()) return;
                     if (!error) return self->look();
                     self->wait();
                   });
}

void PollSet::State::look() {
  looking = true;
  const int count = ::epoll_wait(epoll.native_handle(), events.data(), kBatch, 0);
  untold = std::span{events}.first(static_cast<std::size_t>(std::max(count, 0)));
  const bool more = untold.size() == kBatch;
  while (!untold.empty()) {
    const epoll_event next = untold.front();
    untold = untold.subspan(1);
    if (next.data.ptr != nullptr)
      static_cast<Socket*>(next.data.ptr)->ready(events_of(next.events));
  }
  tell_again();
  looking = false;
  if (!epoll.is_open()) return;
  if (pause && count > 0 && !more && again.empty()) pause();
  if (more || !again.empty()) return look_soon();
  wait();
}

void PollSet::State::tell_again() {
  telling.swap(again);
  for (Socket* const& each : telling) {  // which may become null meanwhile
    if (each == nullptr) continue;
    each->due_ = false;
    each->ready({});
  }
  telling.clear();
}

void PollSet::State::look_soon() {
  if (std::exchange(posted, true)) return;
  boost::asio::post(epoll.get_executor(), [self = shared_from_this()] {
    self->posted = false;
    if (self->epoll.is_open()) self->look();
  });
}

void PollSet::State::forget(Socket& socket) {
  for (epoll_event& event : untold) {
    if (event.data.ptr == &socket) event.data.ptr = nullptr;
  }
  socket.due_ = false;
  std::ranges::replace(again, &socket, nullptr);
  std::ranges::replace(telling, &socket, nullptr);
}

void PollSet::State::control(int operation, int fd, std::uint32_t what, Socket& socket) {
  epoll_event event{};
  event.events =
      what | EPOLLRDHUP | EPOLLPRI | EPOLLET;  // said when it changes, not for as long as it is so
  event.data.ptr = &socket;
  if (::epoll_ctl(epoll.native_handle(), operation, fd, &event) != 0) throw_last_error("epoll_ctl");
}

PollSet::PollSet(IoContext& context) : state_{std::make_shared<State>(context)} {}

PollSet::~PollSet() {
  boost::system::error_code ignored;
  state_->epoll.close(ignored);
}

void PollSet::add(int fd, Socket& socket) {
  state_->control(EPOLL_CTL_ADD, fd, EPOLLIN, socket);
  ++state_->sockets;
  state_->wait();
}

// Not from the beginning: of a UNIX socket it is said whenever the other end has read, from then on.
void PollSet::await_output(int fd, Socket& socket) {
  state_->control(EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLOUT, socket);
}

// Also before it is closed: another process may have the same socket, which keeps it in the set.
void PollSet::remove(int fd, Socket& socket) {
  [[maybe_unused]] const int ignored =
      ::epoll_ctl(state_->epoll.native_handle(), EPOLL_CTL_DEL, fd, nullptr);
  state_->forget(socket);
  if (--state_->sockets > 0) return;
  boost::system::error_code error;
  state_->epoll.cancel(error);
}

void PollSet::between_turns(std::function<void()> pause) { state_->pause = std::move(pause); }

void PollSet::look_again(Socket& socket) {
  if (std::exchange(socket.due_, true)) return;
  state_->again.push_back(&socket);
  if (!state_->looking) state_->look_soon();
}

}  // namespace spawning
