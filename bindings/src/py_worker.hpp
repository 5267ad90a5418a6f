// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// A Worker as Python sees it.

#include <pybind11/pybind11.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gil.hpp"
#include "hub.hpp"
#include "interpreters.hpp"
#include "spawning/log.hpp"
#include "spawning/worker.hpp"
#include "thread_stacks.hpp"
#include "wsgi_handler.hpp"

namespace spawning::python {

/// Owns this process's Worker and the WsgiHandler that answers for it. The order of calls is
/// Worker's; a call out of order raises RuntimeError.
///
/// \par Threads   With the GIL held; whatever waits releases it.
/// \par Lifetime  close(), or the destructor, once every serve_requests() and answer() has returned.
class PyWorker {
 public:
  /// \throws pybind11::error_already_set if Python cannot do what it takes.
  explicit PyWorker(Seat seat);
  ~PyWorker();

  PyWorker(const PyWorker&) = delete;
  PyWorker& operator=(const PyWorker&) = delete;

  /// Takes the seat that this process was started with; None if there is none.
  /// Raises RuntimeError if the environment does not describe one that is there.
  [[nodiscard]] static pybind11::object take();

  /// A dict, or None if the worker is to end before any came.
  [[nodiscard]] pybind11::object settings();

  void ready(const pybind11::object& application, bool multithread, bool multiprocess,
             const pybind11::dict& http);
  /// As ready(), for requests that run in greenlets. \see Hub::Hub
  /// \param stall  seconds; 0: any. \see GreenOptions::stall
  void ready_for_greenlets(const pybind11::object& application, bool multiprocess,
                           const pybind11::dict& http, std::size_t greenlets, double stall,
                           const pybind11::object& make_event, const pybind11::object& current);
  /// Raises ValueError that names the directive which there is not.
  void log_accesses(const std::string& format);
  /// Logs an error, and below it the lines of a traceback, "" if there are none. Also in a process
  /// that has been forked from this one.
  void log_error(const std::string& text, const std::string& traceback) const;
  /// In a forked process: what to call, instead of answering, when the application comes back.
  /// \see WsgiHandler::in_child
  void in_child(const pybind11::object& came_back) {
    handler().in_child(GilHeld::by_caller(), came_back.ptr());
  }
  void failed(std::string summary, std::string traceback, std::vector<std::string> files);

  /// \param files  bytes, as the file system has them.
  void report_modules(const std::vector<pybind11::bytes>& files);

  /// Answers requests on the calling thread until the worker has nothing left to do.
  void serve_requests();

  /// Waits, on one thread of Python's own, for who comes to the console; None at the end. Whoever
  /// is accepted is so with the GIL held: where nobody gets it, siblings are faster.
  [[nodiscard]] pybind11::object accept_at_console();

  /// Raises ValueError if there is no such level.
  void log(const std::string& level, const std::string& text) const;

  void drain() {
    if (worker_) worker_->drain();
  }
  [[nodiscard]] int fileno() { return worker().finished_fd(); }

  /// \name With several interpreters, instead of ready(). \see Interpreters
  /// @{
  /// Has so many load the application. A descriptor, readable when it is known how that went.
  int load_in_interpreters(unsigned count, std::string settings);
  /// Does as failed(), if one has failed; whether one has.
  [[nodiscard]] bool tell_failure_in_interpreters();
  void ready_in_interpreters(const pybind11::dict& http);
  /// Waits for the end of all that runs in them. False: it was an exception.
  [[nodiscard]] bool end_interpreters();
  /// @}

  /// \name For the main thread. \see GoneClients
  /// @{
  [[nodiscard]] int attention();
  [[nodiscard]] bool attend();
  /// @}

  /// \name For the hub of greenlets, which watches the descriptors. \see GreenPool, Hub, GoneClients
  /// @{
  [[nodiscard]] int requests() { return green().fileno(); }
  [[nodiscard]] std::size_t take_requests() { return green().take(); }
  /// In each of as many greenlets as take_requests() says. It switches to others, which no function that pybind11
  /// calls may do: it notes on the stack what its caller's arguments are.
  void answer();
  [[nodiscard]] bool busy() { return green().busy(); }
  [[nodiscard]] int hub_attention() { return hub().fileno(); }
  void attend_to_hub() { hub().attend(GilHeld::by_caller()); }
  /// A greenlet in which GreenletExit is to be raised, or None; and whether to look again in a moment.
  [[nodiscard]] std::pair<pybind11::object, bool> next_abandoned();
  /// (number, introduction, greenlet or None for all of them) of stacks that are wanted, or None.
  [[nodiscard]] pybind11::object next_question();
  void answer_question(std::uint64_t number, const std::string& introduction,
                       const std::string& stacks);
  /// @}

  [[nodiscard]] unsigned slot() { return worker().slot(); }
  [[nodiscard]] std::uint64_t generation() { return worker().generation(); }

  /// Ends the I/O thread and lets go of the application. Idempotent.
  /// \returns the seconds of Worker::time_left(); nullopt if it was closed already.
  std::optional<double> close();

 private:
  [[nodiscard]] Worker& worker();
  [[nodiscard]] WsgiHandler& handler();
  [[nodiscard]] Hub& hub();
  [[nodiscard]] GreenPool& green();
  [[nodiscard]] Interpreters& interpreters();
  void let_go_of_interpreters();
  void make_handler(const pybind11::object& application, EnvironOptions options);
  void report(const OverdueRequest& request);
  void report_stall(std::chrono::steady_clock::duration silence);
  void speak_last_words();

  Log log_;
  std::unique_ptr<Hub> hub_;  // of greenlets, if there are any
  std::atomic<Hub*> known_hub_{nullptr};
  pthread_t hub_thread_{};
  std::unique_ptr<WsgiHandler> handler_;
  std::unique_ptr<ThreadStacks> stacks_;
  std::optional<ThreadStacks::Shown> hub_shown_;
  std::unique_ptr<Worker> worker_;  // calls both, so it goes first
  std::unique_ptr<Interpreters> interpreters_;
  std::atomic<bool> has_interpreters_{false};  // for the I/O thread
  unsigned serving_ = 0;                       // threads in serve_requests(), greenlets in answer()
};

/// Adds `Worker` to a module.
void define_worker(pybind11::module_& module);
/// Adds to it what serves in several interpreters, and to the module what tries to.
void define_interpreters(pybind11::module_& module, pybind11::class_<PyWorker>& type);
/// Adds to it what serves in greenlets.
void define_worker_of_greenlets(pybind11::class_<PyWorker>& type);

}  // namespace spawning::python
