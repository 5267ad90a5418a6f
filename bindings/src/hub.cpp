// SPDX-License-Identifier: MIT
#include "hub.hpp"

#include <sys/eventfd.h>

#include <utility>

#include "spawning/error.hpp"

namespace spawning::python {

Hub::Hub(const GilHeld&, PyObject* make_event, PyObject* current)
    : alert_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)},
      make_event_{PyRef::borrow(make_event)},
      current_{PyRef::borrow(current)} {
  if (!alert_) throw_last_error("eventfd");
}

void Hub::alert() const {
  // It fails only where the counter is full, that is, where the hub is alerted already.
  static_cast<void>(::eventfd_write(alert_.get(), 1));
}

PyRef Hub::current(const GilHeld&) const {
  return PyRef::steal(PyObject_CallNoArgs(current_.get()));
}

std::optional<Hub::Pause> Hub::begin_pause(const GilHeld&) {
  PyRef event = PyRef::steal(PyObject_CallNoArgs(make_event_.get()));
  if (!event) return std::nullopt;
  const std::uint64_t number = ++last_pause_;
  pauses_.emplace(number, PyRef::borrow(event.get()));
  return Pause{number, std::move(event)};
}

bool Hub::wait(const GilHeld&, PyObject* event) {
  return static_cast<bool>(PyRef::steal(PyObject_CallMethod(event, "wait", nullptr)));
}

void Hub::wake(std::uint64_t pause) {
  {
    const std::lock_guard lock{mutex_};
    woken_.push_back(pause);
  }
  alert();
}

void Hub::attend(const GilHeld&) {
  eventfd_t ignored = 0;
  static_cast<void>(::eventfd_read(alert_.get(), &ignored));  // EAGAIN: a call once more
  std::vector<std::uint64_t> woken;
  {
    const std::lock_guard lock{mutex_};
    woken.swap(woken_);
  }
  for (const std::uint64_t number : woken) {
    auto pause = pauses_.extract(number);
    if (pause.empty()) continue;  // woken twice
    const PyRef done = PyRef::steal(PyObject_CallMethod(pause.mapped().get(), "set", nullptr));
    if (!done) PyErr_WriteUnraisable(pause.mapped().get());
  }
}

Hub::Turn::Turn(const GilHeld& gil, Hub* hub, const Address& client) : hub_{hub}, client_{&client} {
  if (hub_ == nullptr) return;
  PyRef greenlet = hub_->current(gil);
  if (!greenlet) {
    PyErr_Clear();  // nobody will know whose it is
    return;
  }
  greenlet_ = greenlet.get();
  hub_->turns_.insert_or_assign(client_, std::move(greenlet));
}

Hub::Turn::~Turn() {
  if (greenlet_ == nullptr) return;
  const auto found = hub_->turns_.find(client_);
  if (found != hub_->turns_.end() && found->second.get() == greenlet_) hub_->turns_.erase(found);
}

std::uint64_t Hub::ask(std::string introduction, const Address* client) {
  std::uint64_t number = 0;
  {
    const std::lock_guard lock{mutex_};
    number = ++last_question_;
    questions_.push_back({std::move(introduction), client, number});
  }
  alert();
  return number;
}

bool Hub::wait_for_answer(std::uint64_t number, std::chrono::milliseconds patience) {
  std::unique_lock lock{mutex_};
  return said_.wait_for(lock, patience, [this, number] { return last_answer_ >= number; });
}

std::optional<Hub::Question> Hub::next_question(const GilHeld&) {
  const std::lock_guard lock{mutex_};
  if (questions_.empty()) return std::nullopt;
  Question question = std::move(questions_.front());
  questions_.pop_front();
  return question;
}

void Hub::answered(const GilHeld&, std::uint64_t number) {
  {
    const std::lock_guard lock{mutex_};
    last_answer_ = number;
  }
  said_.notify_all();
}

PyRef Hub::greenlet_of(const GilHeld&, const Address* client) const {
  const auto found = turns_.find(client);
  return found == turns_.end() ? PyRef{} : PyRef::borrow(found->second.get());
}

}  // namespace spawning::python
