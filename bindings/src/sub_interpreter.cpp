// SPDX-License-Identifier: MIT
#include "sub_interpreter.hpp"

#include <utility>

#include "exception_lines.hpp"
#include "interpreter_side.hpp"
#include "py_ref.hpp"

namespace spawning::python {
namespace {

#if SPAWNING_HAS_INTERPRETERS

// A lock, and memory, of its own; and only modules that say that they can live with that.
constexpr PyInterpreterConfig kIsolated{.use_main_obmalloc = 0,
                                        .allow_fork = 0,
                                        .allow_exec = 0,
                                        .allow_threads = 1,
                                        .allow_daemon_threads = 1,
                                        .check_multi_interp_extensions = 1,
                                        .gil = PyInterpreterConfig_OWN_GIL};

// The calling thread is in an interpreter of its own while this lives, and has its lock. The interpreter
// outlives it: CPython ends the process if it is to take one apart that has threads, and some modules
// of native code do not survive that either.
class Entered {
 public:
  Entered() : before_{PyGILState_Ensure()}, outside_{PyThreadState_Get()} {
    status_ = Py_NewInterpreterFromConfig(&inside_, &kIsolated);
  }

  ~Entered() {
    if (inside_ != nullptr) {
      PyEval_SaveThread();
      PyEval_RestoreThread(outside_);
    }
    PyGILState_Release(before_);
  }

  Entered(const Entered&) = delete;
  Entered& operator=(const Entered&) = delete;

  [[nodiscard]] PyThreadState* inside() const { return inside_; }
  [[nodiscard]] const char* problem() const {
    return status_.err_msg != nullptr ? status_.err_msg : "for a reason that Python does not say";
  }

 private:
  PyGILState_STATE before_;
  PyThreadState* outside_;
  PyThreadState* inside_ = nullptr;
  PyStatus status_;
};

#endif

// Starts what runs in each interpreter.
bool start_inside(const GilHeld& gil, SubInterpreter& inside) {
  const PyRef side = make_interpreter_side(gil, inside);
  const PyRef module =
      side ? PyRef::steal(PyImport_ImportModule("spawning.serving.inside_interpreter")) : PyRef{};
  const PyRef started =
      module ? PyRef::steal(PyObject_CallMethod(module.get(), "start", "O", side.get())) : PyRef{};
  return static_cast<bool>(started);
}

}  // namespace

SubInterpreter::SubInterpreter(Duty duty, std::function<void(Loaded)> loaded)
    : duty_{std::move(duty)}, tell_loaded_{std::move(loaded)}, thread_{[this] { run(); }} {}

SubInterpreter::~SubInterpreter() { static_cast<void>(end()); }

SubInterpreter::Loaded SubInterpreter::loaded() const {
  const std::lock_guard lock{mutex_};
  return loaded_;
}

LoadFailure SubInterpreter::failure() const {
  const std::lock_guard lock{mutex_};
  return failure_;
}

bool SubInterpreter::is_current() const { return PyInterpreterState_Get() == state_; }

bool SubInterpreter::end() {
  decide(false);
  if (thread_.joinable()) thread_.join();
  return good_;
}

// The first decision counts.
void SubInterpreter::decide(bool to_serve) {
  {
    const std::lock_guard lock{mutex_};
    if (!to_serve_) to_serve_ = to_serve;
  }
  changed_.notify_all();
}

void SubInterpreter::note(Loaded how, LoadFailure failure) {
  {
    const std::lock_guard lock{mutex_};
    if (loaded_ != Loaded::not_yet) return;
    loaded_ = how;
    failure_ = std::move(failure);
  }
  if (duty_.turn != nullptr) duty_.turn->release();
  tell_loaded_(how);
}

#if SPAWNING_HAS_INTERPRETERS

void SubInterpreter::run() {
  if (duty_.turn != nullptr) duty_.turn->acquire();
  Entered entered;
  if (entered.inside() == nullptr) {
    std::string summary{"no further interpreter can be had: "};
    return note(Loaded::badly, {summary + entered.problem(), "", {}});
  }
  work(GilHeld::by_caller());
}

#else

void SubInterpreter::run() {
  if (duty_.turn != nullptr) duty_.turn->acquire();
  note(Loaded::badly,
       {"--interpreters: expected Python 3.13 or newer, whose interpreters have a lock each, "
        "not " PY_VERSION,
        "",
        {}});
}

#endif

void SubInterpreter::work(const GilHeld& gil) {
  state_ = PyInterpreterState_Get();
  if (start_inside(gil, *this)) {
    const GilReleased released{gil};
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return ended_; });
  } else {
    broken(gil, take_exception().get());
  }
  note(Loaded::badly,
       {"an interpreter cannot load the application", "", {}});  // if nobody else has
  handler_.reset();
}

void SubInterpreter::failed(const GilHeld& gil, LoadFailure failure) {
  const GilReleased released{gil};
  note(Loaded::badly, std::move(failure));
}

void SubInterpreter::broken(const GilHeld& gil, PyObject* exception) {
  good_ = false;
  duty_.log->traceback("an interpreter of this worker cannot go on", lines_of(gil, exception));
  if (duty_.worker != nullptr) duty_.worker->drain();
}

void SubInterpreter::ended() {
  {
    const std::lock_guard lock{mutex_};
    ended_ = true;
  }
  changed_.notify_all();
}

bool SubInterpreter::ready(const GilHeld& gil, PyObject* application, EnvironOptions options) {
  auto handler = std::make_unique<WsgiHandler>(gil, application, options, *duty_.log);
  if (!handler->ok()) return false;
  handler_ = std::move(handler);
  const GilReleased released{gil};
  note(Loaded::well);
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [this] { return to_serve_.has_value(); });
  return *to_serve_;
}

// As PyWorker::serve_requests(). But while one of our threads that is at work may keep the GIL from this
// one, a thread of another interpreter could take the call.
void SubInterpreter::serve_requests(const GilHeld& gil) {
  Worker& worker = *duty_.worker;
  const ThreadStacks::Shown shown{*duty_.stacks};
  ++at_work_;
  for (bool more = true; more;) {
    while (worker.run_one()) {
    }
    const GilReleased released{gil};
    --at_work_;
    more = worker.wait_for_call();
    if (at_work_++ > 0 && more) worker.wake_another();
  }
  --at_work_;
}

}  // namespace spawning::python
