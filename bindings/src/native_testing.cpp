// SPDX-License-Identifier: MIT
/// \file
/// `spawning._native_testing`, built with the tests only: a WsgiHandler without sockets, and what
/// else is easier to test without a server.

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "http_settings.hpp"
#include "native_recording.hpp"
#include "spawning/bytes.hpp"
#include "spawning/error.hpp"
#include "spawning/headers.hpp"
#include "spawning/unique_fd.hpp"
#include "thread_stacks.hpp"
#include "wsgi_handler.hpp"

namespace py = pybind11;

namespace spawning::python {
namespace {

// One request of the test's making.
struct Asked {
  std::string method, target, path, query, host, scheme, version;
  Fields headers;
  std::string body;
  std::size_t memory_limit = 0;
  std::string peer, local, client;
};

Address address_of(const std::string& text) {
  if (text.starts_with("unix:")) return {Address::Family::unix_path, 0, text.substr(5)};
  const auto colon = text.rfind(':');
  const auto port = static_cast<std::uint16_t>(std::stoi(text.substr(colon + 1)));
  if (text.front() == '[') return {Address::Family::ipv6, port, text.substr(1, colon - 2)};
  return {Address::Family::ipv4, port, text.substr(0, colon)};
}

// A log that can be read.
struct KeptLog {
  UniqueFd file{::memfd_create("log", MFD_CLOEXEC)};
  Log log{file.get(), "worker"};

  [[nodiscard]] std::string text() const {
    std::string text(static_cast<std::size_t>(::lseek(file.get(), 0, SEEK_END)), '\0');
    if (::pread(file.get(), text.data(), text.size(), 0) < 0) throw_last_error("pread");
    return text;
  }
};

class TestHandler {
 public:
  TestHandler(const py::object& application, bool multithread, bool multiprocess)
      : handler_{GilHeld::by_caller(), application.ptr(), {multithread, multiprocess}, log_.log} {
    if (!handler_.ok()) throw py::error_already_set{};
  }

  // Runs one request through the application.
  void handle(const std::shared_ptr<Recording>& recording, const Asked& asked) {
    std::vector<Header> headers;
    for (const auto& [name, value] : asked.headers) headers.push_back({name, value});
    Body body{Bytes{asked.memory_limit}};
    body.append(asked.body);
    const ConnectionInfo connection{address_of(asked.peer), address_of(asked.local)};
    const Address client = address_of(asked.client.empty() ? asked.peer : asked.client);
    const Header* const host = find_header(headers, "Host");
    Request request;
    request.method = asked.method;
    request.target = asked.target;
    request.path = asked.path;
    request.query = asked.query;
    request.host = asked.host;
    if (asked.host.empty() && host != nullptr) request.host = host->value;
    request.scheme = asked.scheme;
    request.version = asked.version == "HTTP/1.0" ? HttpVersion::http_1_0 : HttpVersion::http_1_1;
    request.headers = headers;
    request.body = &body;
    request.connection = &connection;
    request.client = &client;
    handler_.handle(request, Responder{std::make_shared<RecordingExchange>(recording)});
  }

  // What has been logged so far.
  [[nodiscard]] std::string log() const { return log_.text(); }

  // As the main thread of a worker.
  [[nodiscard]] int attention() { return handler_.gone_clients().fileno(); }
  [[nodiscard]] bool attend() { return handler_.gone_clients().attend(GilHeld::by_caller()); }

 private:
  KeptLog log_;
  WsgiHandler handler_;
};

class TestStacks {
 public:
  TestStacks() : stacks_{GilHeld::by_caller(), log_.log} {
    if (!stacks_.ok()) throw py::error_already_set{};
  }

  void report(unsigned long thread, std::string introduction) {
    stacks_.report(thread, std::move(introduction));
  }

  void report_all(const std::string& introduction) const { stacks_.report_all(introduction); }

  void report_shown(const std::string& introduction) { stacks_.report_shown(introduction); }

  // Has the calling thread shown while it runs the function.
  void show_while(const py::function& function) {
    const ThreadStacks::Shown shown{stacks_};
    function();
  }

  [[nodiscard]] std::string log() const { return log_.text(); }

 private:
  KeptLog log_;
  ThreadStacks stacks_;
};

void define_recording(py::module_& module) {
  py::class_<Recording, std::shared_ptr<Recording>>(module, "Recording")
      .def(py::init([](long full_after, long gone_after) {
             auto recording = std::make_shared<Recording>();
             recording->full_after = full_after;
             recording->gone_after = gone_after;
             return recording;
           }),
           py::kw_only(), py::arg("full_after") = -1, py::arg("gone_after") = -1)
      .def_readonly("status", &Recording::status)
      .def_readonly("reason", &Recording::reason)
      .def_readonly("headers", &Recording::headers)
      .def_readonly("hints", &Recording::hints)
      .def_readonly("content_length", &Recording::content_length)
      .def_property_readonly("blocks",
                             [](const Recording& recording) {
                               py::list blocks;
                               for (const auto& block : recording.blocks)
                                 blocks.append(py::bytes(block));
                               return blocks;
                             })
      .def_property_readonly("events",
                             [](Recording& recording) {
                               const std::lock_guard lock{recording.mutex};
                               return recording.events;
                             })
      .def("leave", &Recording::leave, py::call_guard<py::gil_scoped_release>())
      .def("make_readable", [](Recording& recording) {
        const std::lock_guard lock{recording.mutex};
        recording.readable = true;
        recording.changed.notify_all();
      });
}

// What HTTP settings are read into, in the same order.
py::list read_back(const py::dict& settings) {
  const HttpConfig config = read_http_settings(settings);
  py::list values;
  const auto add = [&values](const auto& value) { values.append(py::cast(value)); };
  const auto add_time = [&add](std::chrono::milliseconds time) {
    add(static_cast<double>(time.count()) / 1000);
  };
  add(!config.keep_alive);
  add(config.keep_alive_requests);
  add(static_cast<int>(config.header_map));
  add(config.server);
  add(config.limits.request_line.count);
  add(config.limits.header_count);
  add(config.limits.header_octets.count);
  add(config.limits.body.count);
  add(config.max_connections);
  add_time(config.timeouts.header);
  add_time(config.timeouts.body);
  add(config.body_rate.count);
  add_time(config.timeouts.write);
  add_time(config.timeouts.idle);
  add_time(config.request_timeouts.request);
  add_time(config.request_timeouts.queue);
  add(config.forwarded_allow.to_string());
  add(config.proxy_protocol);
  add(config.request_id);
  return values;
}

}  // namespace
}  // namespace spawning::python

PYBIND11_MODULE(_native_testing, module) {
  using namespace spawning::python;
  define_recording(module);
  py::class_<Asked>(module, "Asked")
      .def(py::init<>())
      .def_readwrite("method", &Asked::method)
      .def_readwrite("target", &Asked::target)
      .def_readwrite("path", &Asked::path)
      .def_readwrite("query", &Asked::query)
      .def_readwrite("host", &Asked::host)
      .def_readwrite("scheme", &Asked::scheme)
      .def_readwrite("version", &Asked::version)
      .def_readwrite("headers", &Asked::headers)
      .def_property("body", nullptr, [](Asked& asked, const py::bytes& body) { asked.body = body; })
      .def_readwrite("memory_limit", &Asked::memory_limit)
      .def_readwrite("peer", &Asked::peer)
      .def_readwrite("local", &Asked::local)
      .def_readwrite("client", &Asked::client);
  py::class_<TestHandler>(module, "Handler")
      .def(py::init<const py::object&, bool, bool>(), py::arg("application"), py::kw_only(),
           py::arg("multithread") = true, py::arg("multiprocess") = true)
      .def("handle", &TestHandler::handle)
      .def("attention", &TestHandler::attention)
      .def("attend", &TestHandler::attend)
      .def_property_readonly("log", &TestHandler::log);
  module.def("read_http_settings", &read_back);
  py::class_<TestStacks>(module, "Stacks")
      .def(py::init<>())
      .def("report", &TestStacks::report)
      .def("report_all", &TestStacks::report_all)
      .def("report_shown", &TestStacks::report_shown)
      .def("show_while", &TestStacks::show_while)
      .def_property_readonly("log", &TestStacks::log);
}
