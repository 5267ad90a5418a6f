// SPDX-License-Identifier: MIT
#include "spawning/wsgi_application.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <array>
#include <atomic>
#include <exception>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "gil.hpp"
#include "py_ref.hpp"
#include "spawning/error.hpp"
#include "spawning/unique_fd.hpp"
#include "spawning/worker_pool.hpp"
#include "wsgi_handler.hpp"

namespace spawning {
namespace {

using python::GilHeld, python::GilReleased, python::PyRef;

constexpr int kLookAgainMs = 20;  // for an iterator that must not be interrupted where it is
constexpr double kSilentS = 1.0;  // to wait for a thread

// Has the GIL while it lives, whether the thread had it before or not.
class GilTaken {
 public:
  GilTaken() : before_{PyGILState_Ensure()} {}
  ~GilTaken() { PyGILState_Release(before_); }

  GilTaken(const GilTaken&) = delete;
  GilTaken& operator=(const GilTaken&) = delete;

 private:
  PyGILState_STATE before_;
};

// The Python exception that is set, as one for whoever starts the program.
StartupError taken_exception(const std::string& what) {
  const PyRef exception = python::take_exception();
  const PyRef text = PyRef::steal(PyObject_Str(exception.get()));
  const char* const words = text ? PyUnicode_AsUTF8(text.get()) : nullptr;
  PyErr_Clear();
  const bool says = words != nullptr && *words != '\0';
  return StartupError{what + ": " + (says ? words : Py_TYPE(exception.get())->tp_name)};
}

// Runs `action` with the GIL where no signal handler of Python code can raise half-way: those run on
// the main thread, which waits here without it.
template <class Action>
void undisturbed(const GilHeld& gil, Action action) {
  std::exception_ptr failure;
  std::thread thread{[&] {
    const GilTaken taken;
    try {
      action();
    } catch (...) {
      failure = std::current_exception();
    }
  }};
  {
    const GilReleased released{gil};
    thread.join();
  }
  if (failure) std::rethrow_exception(failure);
}

// A threading.Thread that runs `method` with `self`.
PyRef make_thread(PyMethodDef& method, void* self, const std::string& name) {
  const PyRef capsule = PyRef::steal(PyCapsule_New(self, nullptr, nullptr));
  const PyRef target = capsule ? PyRef::steal(PyCFunction_New(&method, capsule.get())) : PyRef{};
  const PyRef threading = target ? PyRef::steal(PyImport_ImportModule("threading")) : PyRef{};
  if (!threading) return {};
  const PyRef type = PyRef::steal(PyObject_GetAttrString(threading.get(), "Thread"));
  const PyRef none = PyRef::steal(PyTuple_New(0));
  const PyRef named = PyRef::steal(Py_BuildValue("{s:O,s:s,s:O}", "target", target.get(), "name",
                                                 name.c_str(), "daemon", Py_True));
  return type && none && named ? PyRef::steal(PyObject_Call(type.get(), none.get(), named.get()))
                               : PyRef{};
}

bool is_alive(const PyRef& thread) {
  const PyRef alive = PyRef::steal(PyObject_CallMethod(thread.get(), "is_alive", nullptr));
  if (alive) return alive.get() == Py_True;
  PyErr_Clear();
  return true;  // until it is known to have ended: what it uses is about to go
}

void join(const PyRef& thread, const Log& log) {
  const auto wait = [&thread] {
    const PyRef ignored = PyRef::steal(PyObject_CallMethod(thread.get(), "join", "d", kSilentS));
    if (!ignored) PyErr_Clear();
  };
  wait();
  if (is_alive(thread)) log.warning("waiting for a request that the application still works on");
  while (is_alive(thread)) wait();
}

// Not while there are several interpreters in the process: Python cannot tell then.
bool has_gil() { return PyGILState_GetThisThreadState() != nullptr && PyGILState_Check() != 0; }

}  // namespace

struct WsgiApplication::State {
  State(const GilHeld& gil, PyObject* application, const Log& destination, unsigned count);

  void start(PyMethodDef& method, const std::string& name);
  void end();

  // On threads of their own, with the GIL held.
  void serve();
  void attend();

  const Log log;
  python::WsgiHandler handler;
  WorkerPool pool{handler, log};
  UniqueFd ending{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};  // readable: attend() returns
  std::atomic<bool> seen_with_gil{false};
  std::vector<PyRef> threads;  // the first one attends
};

namespace {

template <class State, void (State::*Run)()>
PyObject* run(PyObject* self, PyObject*) {
  (static_cast<State*>(PyCapsule_GetPointer(self, nullptr))->*Run)();
  Py_RETURN_NONE;
}

}  // namespace

WsgiApplication::State::State(const GilHeld& gil, PyObject* application, const Log& destination,
                              unsigned count)
    : log{destination}, handler{gil, application, {count > 1, false}, log} {
  static PyMethodDef serve_method{"serve", &run<State, &State::serve>, METH_NOARGS, nullptr};
  static PyMethodDef attend_method{"attend", &run<State, &State::attend>, METH_NOARGS, nullptr};
  if (!handler.ok()) throw taken_exception("the WSGI application cannot be served");
  if (!ending) throw_last_error("eventfd");
  // By this thread, which threading takes for the main one if it is the first to import it.
  const PyRef threading = PyRef::steal(PyImport_ImportModule("threading"));
  if (!threading) throw taken_exception("threads for the WSGI application");
  threads.reserve(count + 1);
  undisturbed(gil, [&] {
    try {
      start(attend_method, "spawning-attendant");
      for (unsigned number = 0; number < count; ++number)
        start(serve_method, "spawning-" + std::to_string(number));
    } catch (...) {
      end();
      throw;
    }
  });
}

void WsgiApplication::State::start(PyMethodDef& method, const std::string& name) {
  PyRef thread = make_thread(method, this, name);
  const PyRef started =
      thread ? PyRef::steal(PyObject_CallMethod(thread.get(), "start", nullptr)) : PyRef{};
  if (!started) throw taken_exception("threads for the WSGI application");
  threads.push_back(std::move(thread));
}

// The attendant last: threads may wait for clients that have gone.
void WsgiApplication::State::end() {
  pool.stop();
  for (; threads.size() > 1; threads.pop_back()) join(threads.back(), log);
  // It fails only where the counter is full.
  static_cast<void>(::eventfd_write(ending.get(), 1));
  for (; !threads.empty(); threads.pop_back()) join(threads.back(), log);
}

void WsgiApplication::State::serve() {
  const GilHeld gil = GilHeld::by_caller();
  for (bool more = true; more;) {
    while (pool.run_one()) {
    }
    const GilReleased released{gil};
    more = pool.wait();
  }
}

void WsgiApplication::State::attend() {
  const GilHeld gil = GilHeld::by_caller();
  auto& gone = handler.gone_clients();
  std::array<pollfd, 2> watched{{{ending.get(), POLLIN, 0}, {gone.fileno(), POLLIN, 0}}};
  for (bool again = false; watched[0].revents == 0; again = gone.attend(gil)) {
    const GilReleased released{gil};
    // EINTR: a look for nothing
    static_cast<void>(::poll(watched.data(), watched.size(), again ? kLookAgainMs : -1));
  }
}

WsgiApplication::WsgiApplication(PyObject* application, const Log& log, WsgiOptions options) {
  if (Py_IsInitialized() == 0) throw std::logic_error{"a WsgiApplication before its interpreter"};
  const GilTaken taken;
  if (PyCallable_Check(application) == 0) {
    throw StartupError{std::string{"expected a WSGI application, a callable, not "} +
                       Py_TYPE(application)->tp_name};
  }
  if (options.threads == 0) throw StartupError{"threads: expected at least 1, not 0"};
  state_ = std::make_unique<State>(GilHeld::by_caller(), application, log, options.threads);
}

WsgiApplication::~WsgiApplication() {
  const GilTaken taken;
  try {
    undisturbed(GilHeld::by_caller(), [this] { state_->end(); });
  } catch (const std::system_error&) {  // no thread to be had
    state_->end();
  }
  state_.reset();
}

void WsgiApplication::handle(Request request, Responder responder) {
  if (has_gil() && !state_->seen_with_gil.exchange(true)) {
    state_->log.warning(
        "the thread that serves has the interpreter's lock: unless it releases that, the "
        "application is never called");
  }
  state_->pool.handle(std::move(request), std::move(responder));
}

}  // namespace spawning
