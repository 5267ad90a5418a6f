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

// To look at another thread's frames makes objects of them. Were garbage collected then, its finalizers
// might let that thread go on, and its frames be gone when they are done.
class NoCollection {
 public:
  NoCollection() : was_enabled_{disable()} {}
  ~NoCollection() {
    if (was_enabled_) enable();
  }

  NoCollection(const NoCollection&) = delete;
  NoCollection& operator=(const NoCollection&) = delete;

 private:
#if PY_VERSION_HEX >= 0x030A0000
  static bool disable() { return PyGC_Disable() != 0; }
  static void enable() { PyGC_Enable(); }
#else  // no objects are made
  static bool disable() { return false; }
  static void enable() {}
#endif

  const bool was_enabled_;
};

bool may_be_left(PyRef frame) {
  while (frame) {
    if (must_not_be_left(frame)) return false;
    frame = caller_of(frame);
  }
  return true;
}

// Null, and no exception, if there is no such thing.
PyRef attribute(const PyRef& object, const char* name) {
  PyRef found = object ? PyRef::steal(PyObject_GetAttrString(object.get(), name)) : PyRef{};
  if (!found) PyErr_Clear();
  return found;
}

}  // namespace

// Of an iteration. What the I/O thread touches is shared with it, and no Python object.
struct GoneClients::State {
  std::shared_ptr<std::atomic<bool>> gone = std::make_shared<std::atomic<bool>>(false);
  PyThreadState* thread = PyThreadState_Get();
  PyRef greenlet{};
  PyRef exit{};              // what is raised in the greenlet
  bool inside = false;       // the iterator
  bool interrupted = false;  // it, once

  [[nodiscard]] bool waits_in_vain() const {
    return gone->load(std::memory_order_relaxed) && inside && !interrupted;
  }
  [[nodiscard]] bool interrupt(const GoneClients& clients);
  void forget_interruption() const;
};

GoneClients::GoneClients(const GilHeld&, Hub* hub)
    : attention_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)}, hub_{hub} {
  if (!attention_) throw_last_error("eventfd");
  const PyRef threading = PyRef::steal(PyImport_ImportModule("threading"));
  if (!threading) PyErr_Clear();
  condition_wait_ = attribute(attribute(attribute(threading, "Condition"), "wait"), "__code__");
}

void GoneClients::take_attention() const {
  eventfd_t ignored = 0;
  static_cast<void>(::eventfd_read(attention_.get(), &ignored));  // EAGAIN: a call once more
}

bool GoneClients::attend(const GilHeld&) {
  take_attention();
  bool again = false;
  const auto iterations = iterations_;  // some may begin or end before we are through
  for (const auto& each : iterations) {
    if (each->waits_in_vain() && !each->interrupt(*this)) again = true;
  }
  return again;
}

PyRef GoneClients::next_abandoned(const GilHeld&, bool& again) {
  take_attention();
  const auto iterations = iterations_;  // as above
  for (const auto& each : iterations) {
    if (!each->waits_in_vain() || !each->greenlet) continue;
    const NoCollection undisturbed;
    // None if it waits in native code alone, such as iter(queue.get, None): it does not run, we do.
    PyRef frame = attribute(each->greenlet, "gr_frame");
    if (frame && frame.get() == Py_None) frame = {};
    if (!may_be_left(std::move(frame))) {
      again = true;
      continue;
    }
    if (!each->waits_in_vain()) continue;
    each->interrupted = true;
    each->exit = attribute(each->greenlet, "GreenletExit");
    return PyRef::borrow(each->greenlet.get());
  }
  return {};
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

// The frames of a thread that does not have the GIL stay as they are, for as long as we do not let go of it.
bool GoneClients::State::interrupt(const GoneClients& clients) {
  const NoCollection undisturbed;
  const PyRef innermost = PyRef::steal(reinterpret_cast<PyObject*>(PyThreadState_GetFrame(thread)));
  if (!may_be_left(PyRef::borrow(innermost.get()))) return false;
  if (!waits_in_vain()) return true;  // what is raised now must not hit another request
  interrupted = true;
  PyThreadState_SetAsyncExc(thread->thread_id, PyExc_GeneratorExit);
  if (innermost) clients.wake(innermost.get());
  return true;
}

// What has not been raised by now must not hit close(), or another request; what has been raised
// was no failure of the application.
void GoneClients::State::forget_interruption() const {
  if (!greenlet) PyThreadState_SetAsyncExc(thread->thread_id, nullptr);
  if (PyErr_Occurred() == nullptr) return;
  if (PyErr_ExceptionMatches(exit ? exit.get() : PyExc_GeneratorExit) != 0) PyErr_Clear();
}

GoneClients::Iteration::Iteration(const GilHeld& gil, GoneClients& clients, WsgiResponse& response)
    : gil_{gil}, clients_{clients}, response_{response}, state_{std::make_shared<State>()} {
  if (clients_.hub_ != nullptr) state_->greenlet = clients_.hub_->current(gil);
  PyErr_Clear();  // one that is not known is not interrupted
  clients_.iterations_.push_back(state_);
  response_.when_gone(gil, [gone = state_->gone, &attention = clients_.attention_] {
    gone->store(true, std::memory_order_relaxed);
    // It fails only where the counter is full, that is, where somebody is told already.
    static_cast<void>(::eventfd_write(attention.get(), 1));
  });
}

// In this order: from the first line on nobody is told any more.
GoneClients::Iteration::~Iteration() {
  response_.when_gone(gil_, nullptr);
  std::erase(clients_.iterations_, state_);
}

bool GoneClients::Iteration::gone() const { return state_->gone->load(std::memory_order_relaxed); }

PyRef GoneClients::Iteration::next(PyObject* iterator) {
  if (gone()) return {};
  state_->inside = true;
  PyRef block = PyRef::steal(calling_python([iterator] { return PyIter_Next(iterator); }));
  state_->inside = false;
  if (state_->interrupted) state_->forget_interruption();
  return block;
}

}  // namespace spawning::python
