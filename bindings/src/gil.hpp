// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The interpreter's lock (GIL) as types: who holds it, who lets it go, and who waits meanwhile.

#include <Python.h>
#include <cxxabi.h>
#include <unistd.h>

#include <atomic>
#include <cassert>
#include <utility>

namespace spawning::python {

/// Proof that the calling thread holds the GIL. Functions that touch Python objects take one by
/// reference, so that it shows in their signatures; it costs nothing.
class GilHeld {
 public:
  /// States what the caller knows: Python called us, or we are a Handler of a donated thread.
  [[nodiscard]] static GilHeld by_caller() {
    assert(PyGILState_Check());
    return {};
  }

 private:
  GilHeld() = default;
};

/// Calls what may run Python code, or wait for the GIL.
///
/// When the interpreter ends, CPython ends each other thread that asks for the GIL by
/// pthread_exit(3). To unwind our frames takes the GIL, too; so the thread stays where it is, for the
/// moment until the process has gone, as it does from CPython 3.14 on. Only threads that nobody waits
/// for can get here: daemons. (There is no object behind the reference, which a sanitizer would see.)
template <class Call>
__attribute__((no_sanitize("null"))) decltype(auto) calling_python(Call&& call) {
  try {
    return std::forward<Call>(call)();
  } catch (const abi::__forced_unwind&) {
    for (;;) ::pause();
  }
}

/// Lets other threads run Python code while it lives. The thread keeps its thread state.
class GilReleased {
 public:
  explicit GilReleased(const GilHeld&) : state_{PyEval_SaveThread()} {}
  ~GilReleased() {
    calling_python([this] { PyEval_RestoreThread(state_); });
  }

  GilReleased(const GilReleased&) = delete;
  GilReleased& operator=(const GilReleased&) = delete;

 private:
  PyThreadState* state_;
};

/// Guards an object that one thread at a time may use, at no cost as long as that thread keeps the
/// GIL: only who releases the GIL while using the object marks it as occupied.
///
/// Applications seldom call one request's `write` or `wsgi.input` from two threads; they must not
/// crash the process if they do.
class Occupancy {
 public:
  /// Waits until no other thread is inside. Call it before each use of the object.
  void await_turn(const GilHeld& gil) {
    while (occupied_.load(std::memory_order_acquire) != 0) {
      const GilReleased released{gil};
      occupied_.wait(1, std::memory_order_acquire);
    }
  }

  /// Whether another thread is inside. Nobody goes in as long as the caller keeps the GIL.
  [[nodiscard]] bool occupied() const { return occupied_.load(std::memory_order_acquire) != 0; }

  /// Occupies the object and releases the GIL while it lives.
  class WithoutGil {
   public:
    WithoutGil(Occupancy& occupancy, const GilHeld&) : occupancy_{occupancy} {
      occupancy_.occupied_.store(1, std::memory_order_relaxed);
      state_ = PyEval_SaveThread();
    }
    ~WithoutGil() {
      calling_python([this] { PyEval_RestoreThread(state_); });
      occupancy_.occupied_.store(0, std::memory_order_release);
      occupancy_.occupied_.notify_all();
    }

    WithoutGil(const WithoutGil&) = delete;
    WithoutGil& operator=(const WithoutGil&) = delete;

   private:
    Occupancy& occupancy_;
    PyThreadState* state_ = nullptr;
  };

 private:
  std::atomic<int> occupied_{0};
};

}  // namespace spawning::python
