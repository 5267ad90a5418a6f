// SPDX-License-Identifier: MIT
// A Worker whose requests run in greenlets, and what is said of those that take too long.
#include <pybind11/stl.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <utility>

#include "http_settings.hpp"
#include "py_worker.hpp"

namespace py = pybind11;

namespace spawning::python {
namespace {

// A greenlet that computes for longer than this keeps the hub from answering.
constexpr std::chrono::milliseconds kPatienceWithHub{400};

PyObject* answer(PyObject* self, PyObject*) {
  try {
    py::handle{self}.cast<PyWorker&>().answer();
    Py_RETURN_NONE;
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
    return nullptr;
  }
}

PyMethodDef answer_method{"answer", &answer, METH_NOARGS, "Answers the oldest request."};

}  // namespace

Hub& PyWorker::hub() {
  if (!hub_) throw std::runtime_error{"the worker is not ready for greenlets"};
  return *hub_;
}

GreenPool& PyWorker::green() {
  GreenPool* const pool = worker().green();
  if (pool == nullptr) throw std::runtime_error{"the worker is not ready for greenlets"};
  return *pool;
}

// Whoever waits sees greenlets of others between two of its own steps: as with threads.
void PyWorker::ready_for_greenlets(const py::object& application, bool multiprocess,
                                   const py::dict& http, std::size_t greenlets, double stall,
                                   const py::object& make_event, const py::object& current) {
  Worker& inside = worker();
  if (handler_) throw std::runtime_error{"the worker is ready already"};
  if (greenlets == 0) throw py::value_error{"expected at least 1 greenlet"};
  const HttpConfig config = read_http_settings(http);
  hub_ = std::make_unique<Hub>(GilHeld::by_caller(), make_event.ptr(), current.ptr());
  make_handler(application, {true, multiprocess});
  hub_thread_ = ::pthread_self();
  hub_shown_.emplace(*stacks_);
  known_hub_ = hub_.get();
  inside.on_hub_stall([this](auto silence) { report_stall(silence); });
  const GilReleased released{GilHeld::by_caller()};
  const auto limit = std::chrono::duration<double>{stall};
  inside.ready(*handler_, config,
               GreenOptions{greenlets, std::chrono::round<std::chrono::milliseconds>(limit)});
}

void PyWorker::answer() {
  GreenPool& pool = green();
  ++serving_;
  pool.run();
  --serving_;
}

std::pair<py::object, bool> PyWorker::next_abandoned() {
  bool again = false;
  PyRef greenlet = handler().gone_clients().next_abandoned(GilHeld::by_caller(), again);
  if (!greenlet) return {py::none(), again};
  return {py::reinterpret_steal<py::object>(greenlet.release()), again};
}

py::object PyWorker::next_question() {
  const GilHeld gil = GilHeld::by_caller();
  while (const auto question = hub().next_question(gil)) {
    PyRef greenlet = question->client == nullptr ? PyRef::borrow(Py_None)
                                                 : hub_->greenlet_of(gil, question->client);
    if (greenlet) {
      return py::make_tuple(question->number, question->introduction,
                            py::reinterpret_steal<py::object>(greenlet.release()));
    }
    hub_->answered(gil, question->number);  // it has ended meanwhile
  }
  return py::none();
}

void PyWorker::answer_question(std::uint64_t number, const std::string& introduction,
                               const std::string& stacks) {
  log_.stacks(LogLevel::warning, introduction, stacks);
  hub().answered(GilHeld::by_caller(), number);
}

// On the I/O thread. A hub that is stuck cannot say what one of its greenlets does; but what it is
// stuck in, the thread can.
void PyWorker::report(const OverdueRequest& request) {
  Hub* const hub = known_hub_;
  std::string introduction{"stack of the "};
  introduction += hub == nullptr ? "thread" : "greenlet";
  introduction += " that answers ";
  introduction += request.method;
  introduction += ' ';
  introduction += request.target;
  introduction += " of ";
  const bool unnamed = request.client->host.empty();  // over a UNIX socket
  introduction += unnamed ? request.client->to_string() : request.client->host;
  if (hub == nullptr) return stacks_->report(request.thread, std::move(introduction));
  const std::uint64_t question = hub->ask(introduction, request.client);
  stacks_->report(hub_thread_,
                  introduction + ", whose hub does not get on: stack of the hub's thread",
                  [hub, question] { return hub->wait_for_answer(question, kPatienceWithHub); });
}

// On the I/O thread.
void PyWorker::report_stall(std::chrono::steady_clock::duration silence) {
  std::array<char, 128> text{};
  std::snprintf(text.data(), text.size(),
                "a greenlet keeps all others waiting for %.1f s already (--hub-stall): its stack",
                std::chrono::duration<double>{silence}.count());
  stacks_->report(hub_thread_, text.data());
}

// On the I/O thread, which has a second in all.
void PyWorker::speak_last_words() {
  if (Hub* const hub = known_hub_) {
    const std::uint64_t question = hub->ask("stacks of all greenlets:", nullptr);
    if (!hub->wait_for_answer(question, kPatienceWithHub))
      log_.error("the hub does not get on: the stacks of its greenlets cannot be had");
  }
  if (has_interpreters_) return stacks_->report_shown("stacks of the threads in its interpreters:");
  stacks_->report_all("stacks of all threads:");
}

void define_worker_of_greenlets(py::class_<PyWorker>& type) {
  type.def("ready_for_greenlets", &PyWorker::ready_for_greenlets, py::arg("application"),
           py::kw_only(), py::arg("multiprocess"), py::arg("http"), py::arg("greenlets"),
           py::arg("stall"), py::arg("make_event"), py::arg("current"),
           "As ready(): requests are queued for so many calls of answer() at a time.")
      .def("requests", &PyWorker::requests,
           "A descriptor, readable when take_requests() is wanted.")
      .def("take_requests", &PyWorker::take_requests,
           "How many greenlets are to be started, for answer().")
      .def_property_readonly(
          "answer",
          [](const py::object& self) {
            return py::reinterpret_steal<py::object>(PyCFunction_New(&answer_method, self.ptr()));
          },
          "Answers the oldest request in this greenlet, if there is one.")
      .def("busy", &PyWorker::busy, "Whether requests wait or are being answered in greenlets.")
      .def("hub_attention", &PyWorker::hub_attention,
           "A descriptor, readable when attend_to_hub() is wanted.")
      .def("attend_to_hub", &PyWorker::attend_to_hub, "Lets greenlets go on that have waited.")
      .def("next_abandoned", &PyWorker::next_abandoned,
           "A greenlet to raise GreenletExit in, or None; and whether to look again in a moment.")
      .def("next_question", &PyWorker::next_question,
           "Stacks that are wanted: number, introduction, greenlet or None for all; or None.")
      .def("answer_question", &PyWorker::answer_question, py::arg("number"),
           py::arg("introduction"), py::arg("stacks"), "Logs them.");
}

}  // namespace spawning::python
