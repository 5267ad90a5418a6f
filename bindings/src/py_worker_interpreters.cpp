// SPDX-License-Identifier: MIT
/// \file
/// What PyWorker does where there are several interpreters.

#include <pybind11/stl.h>
#include <unistd.h>

#include <stdexcept>
#include <utility>

#include "http_settings.hpp"
#include "py_worker.hpp"

namespace py = pybind11;

namespace spawning::python {
namespace {

std::optional<LoadFailure> failure_of_one(std::string settings) {
  const GilReleased released{GilHeld::by_caller()};
  const Log log{STDERR_FILENO, "worker"};
  Interpreters one{1, {std::move(settings), nullptr, nullptr, &log}};
  static_cast<void>(one.end());
  return one.failure();
}

// As PyWorker::failed() takes it, or None.
py::object try_to_load(std::string settings) {
  const auto failure = failure_of_one(std::move(settings));
  if (!failure) return py::none();
  py::list files;
  for (const std::string& file : failure->files) files.append(py::bytes(file));
  return py::make_tuple(failure->summary, failure->traceback, files);
}

}  // namespace

Interpreters& PyWorker::interpreters() {
  if (!interpreters_) throw std::runtime_error{"no interpreter has been told to load anything"};
  return *interpreters_;
}

int PyWorker::load_in_interpreters(unsigned count, std::string settings) {
  Worker& inside = worker();
  if (handler_ || interpreters_)
    throw std::runtime_error{"the application has been loaded already"};
  has_interpreters_ = true;
  const GilReleased released{GilHeld::by_caller()};
  interpreters_ = std::make_unique<Interpreters>(
      count, SubInterpreter::Duty{std::move(settings), &inside, stacks_.get(), &log_});
  return interpreters_->fileno();
}

bool PyWorker::tell_failure_in_interpreters() {
  const auto failure = interpreters().failure();
  if (!failure) return false;
  const GilReleased released{GilHeld::by_caller()};
  worker().failed(*failure);
  return true;
}

void PyWorker::ready_in_interpreters(const py::dict& http) {
  Worker& inside = worker();
  const HttpConfig config = read_http_settings(http);
  inside.on_overdue([this](const OverdueRequest& request) { report(request); });
  Interpreters& all = interpreters();
  const GilReleased released{GilHeld::by_caller()};
  inside.ready(all, config);
  all.serve();
}

bool PyWorker::end_interpreters() {
  Interpreters& all = interpreters();
  const GilReleased released{GilHeld::by_caller()};
  return all.end();
}

void PyWorker::let_go_of_interpreters() {
  if (!interpreters_) return;
  worker_->drain();
  static_cast<void>(end_interpreters());
  interpreters_.reset();
}

void define_interpreters(py::module_& module, py::class_<PyWorker>& type) {
  type.def("load_in_interpreters", &PyWorker::load_in_interpreters, py::arg("count"),
           py::arg("settings"),
           "Loads the application so many times: a descriptor, readable when it is known how.")
      .def("tell_failure_in_interpreters", &PyWorker::tell_failure_in_interpreters,
           "As failed(), if one has failed to load it; whether one has.")
      .def("ready_in_interpreters", &PyWorker::ready_in_interpreters, py::arg("http"),
           "As ready(): requests are answered in the interpreters.")
      .def("end_interpreters", &PyWorker::end_interpreters,
           "Waits for all that runs in them. False: an exception has ended it.");
  module.def(
      "load_in_interpreter", &try_to_load, py::arg("settings"),
      "Loads the application in an interpreter of its own: what failed() would be told, or None.");
}

}  // namespace spawning::python
