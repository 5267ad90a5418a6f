// SPDX-License-Identifier: MIT
#include "gone_clients.hpp"

#include <sys/eventfd.h>

#include <algorithm>
#include <array>

#include "spawning/error.hpp"
#include "wsgi_response.hpp"

namespace spawning::python {
namespace {

// Functions that are not to be left half-way: what they have acquired would stay locked for ever
// (bpo-29988), what they were about to clean up would stay.
constexpr std::array kNotToBeLeft{"__del__",        "__enter__", "__exit__", "_acquireLock",
                                  "_find_and_load", "acquire",   "close",    "release"};

bool must_not_be_left(PyFrameObject* frame) {
  const PyRef code = PyRef::steal(reinterpret_cast<PyObject*>(PyFrame_GetCode(frame)));
  PyObject* const name = reinterpret_cast<PyCodeObject*>(code.get())->co_name;
  return std::any_of(kNotToBeLeft.begin(), kNotToBeLeft.end(), [name](const char* each) {
    return PyUnicode_CompareWithASCIIString(name, each) == 0;
  });
}

PyRef caller_of(const PyRef& frame) {
  return PyRef::steal(
      reinterpret_cast<PyObject*>(PyFrame_GetBack(reinterpret_cast<PyFrameObject*>(frame.get()))));
}

}  // namespace

GoneClients::GoneClients() : attention_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {
  if (!attention_) throw_last_error("eventfd");
}

bool GoneClients::attend(const GilHeld&) {
  eventfd_t ignored = 0;
  static_cast<void>(::eventfd_read(attention_.get(), &ignored));  // EAGAIN: a call once more
  bool again = false;
  for (Iteration* const each : iterations_) {
    if (!each->gone() || !each->inside_ || each->interrupted_) continue;
    if (each->may_be_interrupted()) {
      each->interrupt();
    } else {
      again = true;
    }
  }
  return again;
}

GoneClients::Iteration::Iteration(const GilHeld& gil, GoneClients& clients, WsgiResponse& response)
    : gil_{gil}, clients_{clients}, response_{response} {
  clients_.iterations_.push_back(this);
  response_.when_gone(gil, [this] { client_has_gone(); });
}

// In this order: from the first line on nobody calls client_has_gone() any more.
GoneClients::Iteration::~Iteration() {
  response_.when_gone(gil_, nullptr);
  std::erase(clients_.iterations_, this);
}

void GoneClients::Iteration::client_has_gone() {
  gone_.store(true, std::memory_order_relaxed);
  // It fails only where the counter is full, that is, where somebody is told already.
  static_cast<void>(::eventfd_write(clients_.attention_.get(), 1));
}

PyRef GoneClients::Iteration::next(PyObject* iterator) {
  if (gone()) return {};
  inside_ = true;
  PyRef block = PyRef::steal(PyIter_Next(iterator));
  inside_ = false;
  if (interrupted_) forget_interruption();
  return block;
}

// The frames of a thread that does not have the GIL stay as they are.
bool GoneClients::Iteration::may_be_interrupted() const {
  PyRef frame = PyRef::steal(reinterpret_cast<PyObject*>(PyThreadState_GetFrame(thread_)));
  for (; frame; frame = caller_of(frame)) {
    if (must_not_be_left(reinterpret_cast<PyFrameObject*>(frame.get()))) return false;
  }
  return true;
}

void GoneClients::Iteration::interrupt() {
  interrupted_ = true;
  PyThreadState_SetAsyncExc(thread_->thread_id, PyExc_GeneratorExit);
}

// What has not been raised by now must not hit close(), or another request; what has been raised
// was no failure of the application.
void GoneClients::Iteration::forget_interruption() {
  PyThreadState_SetAsyncExc(thread_->thread_id, nullptr);
  if (PyErr_Occurred() != nullptr && PyErr_ExceptionMatches(PyExc_GeneratorExit) != 0)
    PyErr_Clear();
}

}  // namespace spawning::python
