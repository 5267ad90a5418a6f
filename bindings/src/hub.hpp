// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The event loop that greenlets run under, as the code in them and the I/O thread see it.

#include <Python.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "gil.hpp"
#include "py_ref.hpp"
#include "spawning/request.hpp"
#include "spawning/unique_fd.hpp"

namespace spawning::python {

/// Lets greenlets of gevent or eventlet wait for the I/O thread, and answers what that thread asks
/// about them.
///
/// Every greenlet's stack is elsewhere while another one runs. So the I/O thread gets nothing that
/// stands on one: it knows numbers, and says them here; the hub watches fileno() and calls attend().
///
/// \par Threads  wake(), ask() and wait_for_answer(): any. The rest: the hub's, with the GIL held.
class Hub {
 public:
  /// \param make_event  returns an object with wait() and set(), as threading.Event.
  /// \param current     returns the greenlet that calls it.
  Hub(const GilHeld& gil, PyObject* make_event, PyObject* current);

  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  /// Readable when attend() is wanted.
  [[nodiscard]] int fileno() const { return alert_.get(); }

  /// Lets those go on who have been woken. Switches to nobody.
  void attend(const GilHeld& gil);

  /// The greenlet that runs. Null with an exception set if it cannot be told.
  [[nodiscard]] PyRef current(const GilHeld& gil) const;

  /// \name Waiting for the I/O thread
  /// @{
  struct Pause {
    std::uint64_t number;
    PyRef event;
  };
  /// The beginning of a wait that wake() ends. Empty with an exception set.
  [[nodiscard]] std::optional<Pause> begin_pause(const GilHeld& gil);
  /// Lets others run until then. False with an exception set: somebody has raised it in the greenlet.
  [[nodiscard]] static bool wait(const GilHeld& gil, PyObject* event);
  void wake(std::uint64_t pause);
  /// @}

  /// Names the greenlet that answers for a client while it lives.
  class Turn {
   public:
    Turn(const GilHeld& gil, Hub* hub, const Address& client);
    ~Turn();

    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    Hub* hub_;
    const Address* client_;  // perhaps another one's already when the turn ends: never looked at
    PyObject* greenlet_ = nullptr;
  };

  /// \name Stacks
  /// @{
  struct Question {
    std::string introduction;
    const Address* client = nullptr;  ///< whose greenlet is meant; never looked at. nullptr: all
    std::uint64_t number = 0;
  };
  /// Has the hub write a stack down. \returns the number of the question.
  std::uint64_t ask(std::string introduction, const Address* client);
  /// Whether that has happened, in time.
  [[nodiscard]] bool wait_for_answer(std::uint64_t number, std::chrono::milliseconds patience);
  /// The next question, if there is one; answered() afterwards.
  [[nodiscard]] std::optional<Question> next_question(const GilHeld& gil);
  void answered(const GilHeld& gil, std::uint64_t number);
  /// Who answers for this client. Null, and no exception, if nobody does.
  [[nodiscard]] PyRef greenlet_of(const GilHeld& gil, const Address* client) const;
  /// @}

 private:
  void alert() const;

  const UniqueFd alert_;  // an eventfd
  PyRef make_event_, current_;
  std::unordered_map<std::uint64_t, PyRef> pauses_;
  std::unordered_map<const Address*, PyRef> turns_;
  std::uint64_t last_pause_ = 0;

  std::mutex mutex_;  // of what the I/O thread touches too
  std::condition_variable said_;
  std::vector<std::uint64_t> woken_;
  std::deque<Question> questions_;
  std::uint64_t last_question_ = 0, last_answer_ = 0;
};

}  // namespace spawning::python
