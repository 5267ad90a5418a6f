// SPDX-License-Identifier: MIT
#include "py_worker.hpp"

#include <pybind11/stl.h>
#include <unistd.h>

#include <stdexcept>
#include <utility>

#include "http_settings.hpp"
#include "spawning/error.hpp"
#include "spawning/seat.hpp"
#include "worker_settings.hpp"

namespace py = pybind11;

namespace spawning::python {
PyWorker::PyWorker(Seat seat)
    : log_{STDERR_FILENO, "worker", seat.log},
      stacks_{std::make_unique<ThreadStacks>(GilHeld::by_caller(), log_)} {
  if (!stacks_->ok()) throw py::error_already_set{};
  worker_ = std::make_unique<Worker>(std::move(seat));
  worker_->on_last_words([this] { speak_last_words(); });
}

PyWorker::~PyWorker() {
  let_go_of_interpreters();
  const GilHeld gil = GilHeld::by_caller();
  const GilReleased released{gil};
  worker_.reset();
}

Worker& PyWorker::worker() {
  if (!worker_) throw std::runtime_error{"the worker is closed"};
  return *worker_;
}

WsgiHandler& PyWorker::handler() {
  if (!handler_) throw std::runtime_error{"the worker is not ready yet"};
  return *handler_;
}

py::object PyWorker::take() {
  auto seat = Seat::take();
  if (!seat) return py::none();
  return py::cast(std::make_unique<PyWorker>(std::move(*seat)));
}

py::object PyWorker::settings() {
  Worker& inside = worker();
  std::string text;
  {
    const GilReleased released{GilHeld::by_caller()};
    text = inside.settings();
  }
  return text.empty() ? py::none() : read_worker_settings(text);
}

void PyWorker::make_handler(const py::object& application, EnvironOptions options) {
  auto handler = std::make_unique<WsgiHandler>(GilHeld::by_caller(), application.ptr(), options,
                                               log_, hub_.get());
  if (!handler->ok()) throw py::error_already_set{};
  handler_ = std::move(handler);
  worker().on_overdue([this](const OverdueRequest& request) { report(request); });
}

void PyWorker::ready(const py::object& application, bool multithread, bool multiprocess,
                     const py::dict& http) {
  Worker& inside = worker();
  if (handler_) throw std::runtime_error{"the worker is ready already"};
  const HttpConfig config = read_http_settings(http);
  make_handler(application, {multithread, multiprocess});
  const GilReleased released{GilHeld::by_caller()};
  inside.ready(*handler_, config);
}

void PyWorker::log_accesses(const std::string& format) {
  Worker& inside = worker();
  if (handler_) throw std::runtime_error{"the worker is ready already"};
  try {
    LogFormat steps = LogFormat::parse(format);
    const GilReleased released{GilHeld::by_caller()};
    inside.log_accesses(std::move(steps));
  } catch (const StartupError& error) {
    throw py::value_error{error.what()};
  }
}

void PyWorker::log_error(const std::string& text, const std::string& traceback) const {
  log_.traceback(text, traceback);
}

void PyWorker::failed(std::string summary, std::string traceback, std::vector<std::string> files) {
  Worker& inside = worker();
  const GilReleased released{GilHeld::by_caller()};
  inside.failed({std::move(summary), std::move(traceback), std::move(files)});
}

void PyWorker::report_modules(const std::vector<py::bytes>& files) {
  worker().report_modules({files.begin(), files.end()});
}

// The GIL first and then a request, so that a thread that waits for the GIL never keeps a request
// from the threads that have it.
void PyWorker::serve_requests() {
  Worker& inside = worker();
  static_cast<void>(handler());  // to begin with it there must be one
  const GilHeld gil = GilHeld::by_caller();
  const ThreadStacks::Shown shown{*stacks_};
  ++serving_;
  for (bool more = true; more;) {
    while (inside.run_one()) {
    }
    const GilReleased released{gil};
    more = inside.wait_for_call();
  }
  --serving_;
}

py::object PyWorker::accept_at_console() {
  Worker& inside = worker();
  for (;;) {
    bool open = false;
    {
      const GilReleased released{GilHeld::by_caller()};
      open = inside.wait_at_console();
    }
    if (!open) return py::none();
    if (UniqueFd client = inside.accept_at_console()) return py::int_(client.release());
  }
}

void PyWorker::log(const std::string& level, const std::string& text) const {
  if (level == "info") return log_.info(text);
  if (level == "warning") return log_.warning(text);
  if (level == "error") return log_.error(text);
  throw py::value_error{"there is no level \"" + level + "\""};
}

int PyWorker::attention() { return handler().gone_clients().fileno(); }

bool PyWorker::attend() { return handler().gone_clients().attend(GilHeld::by_caller()); }

std::optional<double> PyWorker::close() {
  let_go_of_interpreters();
  if (serving_ > 0) throw std::runtime_error{"threads or greenlets are still serving requests"};
  std::optional<double> seconds_left;
  if (worker_) {
    const GilReleased released{GilHeld::by_caller()};
    if (const auto left = worker_->time_left())
      seconds_left = std::chrono::duration<double>{*left}.count();
    worker_.reset();
  }
  hub_shown_.reset();
  stacks_.reset();
  handler_.reset();
  known_hub_ = nullptr;
  hub_.reset();
  return seconds_left;
}

void define_worker(py::module_& module) {
  py::class_<PyWorker> type{module, "Worker",
                            "One serving process of a supervised service, from the inside."};
  define_worker_of_greenlets(type);
  define_interpreters(module, type);
  type.def_static("take", &PyWorker::take, "The worker that this process was started as, or None.")
      .def("settings", &PyWorker::settings, "Waits for the service's settings; None at the end.")
      .def("ready", &PyWorker::ready, py::arg("application"), py::kw_only(), py::arg("multithread"),
           py::arg("multiprocess"), py::arg("http") = py::dict{},
           "The application is loaded: requests are queued for serve_requests().")
      .def("log_accesses", &PyWorker::log_accesses, py::arg("format"),
           "Before ready: writes an access log. ValueError names a directive that there is not.")
      .def("log_error", &PyWorker::log_error, py::arg("text"), py::arg("traceback") = "",
           "Logs an error, also in a process that has been forked from this one.")
      .def("in_child", &PyWorker::in_child, py::arg("came_back"),
           "In a forked process: what to call, instead of answering, when the application comes "
           "back.\n\nWith what it has raised, or None. It does not return.")
      .def("failed", &PyWorker::failed, py::arg("summary"), py::arg("traceback"), py::arg("files"),
           "The application cannot be loaded.")
      .def("report_modules", &PyWorker::report_modules, py::arg("files"),
           "The application was loaded from these files, too: names as bytes.")
      .def("serve_requests", &PyWorker::serve_requests,
           "Answers requests on this thread until the worker has nothing left to do.")
      .def("accept_at_console", &PyWorker::accept_at_console,
           "Waits for who comes to the console: a descriptor; None when nobody is let in any more.")
      .def("log", &PyWorker::log, py::arg("level"), py::arg("text"),
           "Writes a line to the error log. ValueError: the level is not info, warning or error.")
      .def(
          "drain", &PyWorker::drain,
          "Asks the supervisor for leave; then this stops accepting, and finishes what is running.")
      .def("fileno", &PyWorker::fileno,
           "A descriptor, readable when the worker has nothing left to do.")
      .def("attention", &PyWorker::attention, "A descriptor, readable when attend() is wanted.")
      .def("attend", &PyWorker::attend,
           "Ends waits for clients that have gone; True: call again in a moment.")
      .def(
          "close", &PyWorker::close,
          "Ends the I/O thread and lets go of the application.\n\n"
          "Returns how many seconds this process may take to end until the supervisor kills it, if "
          "it does.")
      .def_property_readonly("slot", &PyWorker::slot, "Its number among its siblings.")
      .def_property_readonly("generation", &PyWorker::generation, "Counts reloads, from 1.");
}

}  // namespace spawning::python
