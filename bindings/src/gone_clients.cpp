// SPDX-License-Identifier: MIT
#include "gone_clients.hpp"

#include <frameobject.h>  // before 3.11 Python.h has not all of it
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

PyRef code_of(const PyRef& frame) {
  return PyRef::steal(
      reinterpret_cast<PyObject*>(PyFrame_GetCode(reinterpret_cast<PyFrameObject*>(frame.get()))));
}

PyRef caller_of(const PyRef& frame) {
  return PyRef::steal(
      reinterpret_cast<PyObject*>(PyFrame_GetBack(reinterpret_cast<PyFrameObject*>(frame.get()))));
}

bool must_not_be_left(const PyRef& frame) {
  const PyRef code = code_of(frame);
  PyObject* const name = reinterpret_cast<PyCodeObject*>(code.get())->co_name;
  return std::any_of(kNotToBeLeft.begin(), kNotToBeLeft.end(), [name](const char* each) {
    return PyUnicode_CompareWithASCIIString(name, each) == 0;
  });
}

// Null, and no exception, if there is no such thing.
PyRef attribute(const PyRef& object, const char* name) {
  PyRef found = object ? PyRef::steal(PyObject_GetAttrString(object.get(), name)) : PyRef{};
  if (!found) PyErr_Clear();
  return found;
}

}  // namespace

GoneClients::GoneClients(const GilHeld&) : attention_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {
  if (!attention_) throw_last_error("eventfd");
  const PyRef threading = PyRef::steal(PyImport_ImportModule("threading"));
  if (!threading) PyErr_Clear();
  condition_wait_ = attribute(attribute(attribute(threading, "Condition"), "wait"), "__code__");
}

bool GoneClients::attend(const GilHeld&) {
  eventfd_t ignored = 0;
  static_cast<void>(::eventfd_read(attention_.get(), &ignored));  // EAGAIN: a call once more
  bool again = false;
  for (Iteration* const each : iterations_) {
    const bool waits_in_vain = each->gone() && each->inside_ && !each->interrupted_;
    if (waits_in_vain && !each->interrupt()) again = true;
  }
  return again;
}

// Of threading.Condition.wait, on which Event, Queue, Future and the like are built, we release the
// lock that it waits for, as notify() would: it is this thread's own. The exception is raised in the
// place of its return. Before 3.11 notify() is surprised at a lock that is released already
// (gh-92530).
void GoneClients::wake(PyObject* frame) const {
  if (PY_VERSION_HEX < 0x030B0000) return;
  const PyRef self = PyRef::borrow(frame);
  if (code_of(self).get() != condition_wait_.get()) return;
  const PyRef locals = attribute(self, "f_locals");
  const PyRef waiter =
      locals ? PyRef::steal(PyMapping_GetItemString(locals.get(), "waiter")) : PyRef{};
  const PyRef done =
      waiter ? PyRef::steal(PyObject_CallMethod(waiter.get(), "release", nullptr)) : PyRef{};
  if (!done) PyErr_Clear();  // it does not wait (any more)
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
  PyRef block = PyRef::steal(calling_python([iterator] { return PyIter_Next(iterator); }));
  inside_ = false;
  if (interrupted_) forget_interruption();
  return block;
}

// The frames of a thread that does not have the GIL stay as they are.
bool GoneClients::Iteration::interrupt() {
  const PyRef innermost =
      PyRef::steal(reinterpret_cast<PyObject*>(PyThreadState_GetFrame(thread_)));
  for (PyRef frame = PyRef::borrow(innermost.get()); frame; frame = caller_of(frame)) {
    if (must_not_be_left(frame)) return false;
  }
  interrupted_ = true;
  PyThreadState_SetAsyncExc(thread_->thread_id, PyExc_GeneratorExit);
  if (innermost) clients_.wake(innermost.get());
  return true;
}

// What has not been raised by now must not hit close(), or another request; what has been raised
// was no failure of the application.
void GoneClients::Iteration::forget_interruption() {
  PyThreadState_SetAsyncExc(thread_->thread_id, nullptr);
  if (PyErr_Occurred() != nullptr && PyErr_ExceptionMatches(PyExc_GeneratorExit) != 0)
    PyErr_Clear();
}

}  // namespace spawning::python
