// SPDX-License-Identifier: MIT
#include "py_server.hpp"

#include <pybind11/stl.h>
#include <unistd.h>

#include <chrono>
#include <system_error>
#include <utility>

#include "http_settings.hpp"
#include "spawning/error.hpp"
#include "spawning/listening_socket.hpp"

namespace py = pybind11;

namespace spawning::python {
namespace {

[[noreturn]] void raise_os_error(std::error_code code, const char* what) {
  py::tuple arguments = py::make_tuple(what);
  if (code) arguments = py::make_tuple(code.value(), what);
  PyErr_SetObject(PyExc_OSError, arguments.ptr());
  throw py::error_already_set{};
}

ListeningSocket listen_on(const std::string& host, std::uint16_t port) {
  try {
    const GilReleased released{GilHeld::by_caller()};  // the name may have to be looked up
    return bind_listener({BindAddress::Kind::host_port, host, port});
  } catch (const BindError& error) {
    raise_os_error(error.code(), error.what());
  }
}

LogFormat log_format(const std::string& text) {
  try {
    return LogFormat::parse(text);
  } catch (const StartupError& error) {
    throw py::value_error{std::string{"access_log_format: "} + error.what()};
  }
}

}  // namespace

PyServer::PyServer(const py::object& application, const std::string& host, std::uint16_t port,
                   bool multithread, const py::dict& http,
                   const std::optional<std::string>& access_log_format)
    : log_{STDERR_FILENO, "server"} {
  InProcessConfig config{.http = read_http_settings(http)};
  if (access_log_format) config.access_log = log_format(*access_log_format);
  const GilHeld gil = GilHeld::by_caller();
  handler_ = std::make_unique<WsgiHandler>(gil, application.ptr(),
                                           EnvironOptions{multithread, false}, log_);
  if (!handler_->ok()) throw py::error_already_set{};
  try {
    server_ = std::make_unique<InProcessServer>(listen_on(host, port), *handler_, log_,
                                                std::move(config));
  } catch (const std::system_error& error) {
    raise_os_error(error.code(), error.what());
  }
}

PyServer::~PyServer() {
  const GilReleased released{GilHeld::by_caller()};
  server_.reset();
}

// As PyWorker::serve_requests.
void PyServer::serve_requests() {
  const GilHeld gil = GilHeld::by_caller();
  for (bool more = true; more;) {
    while (server_->run_one()) {
    }
    const GilReleased released{gil};
    more = server_->wait_for_call();
  }
}

void PyServer::drain(bool newcomers, double patience) {
  const std::chrono::duration<double> seconds{patience};
  server_->drain({newcomers, std::chrono::duration_cast<std::chrono::milliseconds>(seconds)});
}

void PyServer::stop() {
  const GilReleased released{GilHeld::by_caller()};
  server_->stop();
}

void define_server(py::module_& module) {
  py::class_<PyServer>(module, "Server", "Serves an application within this process.")
      .def(py::init<const py::object&, const std::string&, std::uint16_t, bool, const py::dict&,
                    const std::optional<std::string>&>(),
           py::arg("application"), py::kw_only(), py::arg("host"), py::arg("port"),
           py::arg("multithread"), py::arg("http"), py::arg("access_log_format"))
      .def("serve_requests", &PyServer::serve_requests,
           "Answers requests on this thread until the server has nothing left to do.")
      .def("drain", &PyServer::drain, py::kw_only(), py::arg("newcomers"), py::arg("patience"),
           "Lets nobody new in, and finishes what runs within so many seconds.")
      .def("stop", &PyServer::stop, "Ends at once; what still runs is lost, and logged.")
      .def("fileno", &PyServer::fileno,
           "A descriptor, readable when the server has nothing left to do.")
      .def("attention", &PyServer::attention, "A descriptor, readable when attend() is wanted.")
      .def("attend", &PyServer::attend,
           "Ends waits for clients that have gone; True: call again in a moment.")
      .def("let_go_in_child", &PyServer::let_go_in_child,
           "In a forked process: lets go of the listening socket.")
      .def_property_readonly("port", &PyServer::port, "Where it listens.")
      .def_property_readonly("url", &PyServer::url, "Where it listens, for a client.");
}

}  // namespace spawning::python
