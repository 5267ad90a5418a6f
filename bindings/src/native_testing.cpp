// SPDX-License-Identifier: MIT
/// \file
/// `spawning._native_testing`, built with the tests only: a WsgiHandler without sockets.

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "http_settings.hpp"
#include "spawning/bytes.hpp"
#include "spawning/error.hpp"
#include "spawning/unique_fd.hpp"
#include "wsgi_handler.hpp"

namespace py = pybind11;

namespace spawning::python {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

// What the application's answer looked like from the connection's side. Shared by the test and the
// exchange, which may outlive the call.
struct Recording {
  std::mutex mutex;
  std::condition_variable changed;
  unsigned status = 0;
  std::string reason;
  Fields headers;
  std::optional<std::uint64_t> content_length;
  std::vector<std::string> blocks;
  std::vector<std::string> events;
  long full_after = -1;   // the block with this index fills the connection
  long gone_after = -1;   // from the block with this index on, the client has gone
  bool readable = false;  // whether a client that did not read has begun to

  void note(std::string event) {
    const std::lock_guard lock{mutex};
    events.push_back(std::move(event));
    changed.notify_all();
  }
};

class RecordingExchange : public Exchange {
 public:
  explicit RecordingExchange(std::shared_ptr<Recording> recording)
      : recording_{std::move(recording)} {}

  void start(const ResponseHead& head, std::optional<std::uint64_t> content_length) override {
    for (const Header& header : head.headers) {
      if (header.name == "X-Refuse") throw std::invalid_argument{"the library refuses this head"};
    }
    recording_->note("start");
    recording_->status = head.status;
    recording_->reason = head.reason;
    recording_->content_length = content_length;
    for (const Header& header : head.headers) {
      recording_->headers.emplace_back(header.name, header.value);
    }
  }

  bool begin() override { return true; }
  void inform(const ResponseHead& head) override {
    recording_->note("inform " + std::to_string(head.status));
  }

  WriteStatus write(std::string_view block) override {
    const auto index = static_cast<long>(recording_->blocks.size());
    if (recording_->gone_after >= 0 && index >= recording_->gone_after) {
      recording_->note("gone");
      return WriteStatus::gone;
    }
    recording_->blocks.emplace_back(block);
    recording_->note("write");
    return index == recording_->full_after ? WriteStatus::full : WriteStatus::ok;
  }

  WriteStatus write_file(UniqueFd file, std::uint64_t offset, std::uint64_t length) override {
    std::string block(static_cast<std::size_t>(length), '\0');
    const ssize_t got = ::pread(file.get(), block.data(), block.size(), static_cast<off_t>(offset));
    block.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    recording_->note("file");
    return write(block);
  }

  void finish() override { recording_->note("finish"); }
  void abort() override { recording_->note("abort"); }

  bool wait_writable() override {
    recording_->note("wait");
    std::unique_lock lock{recording_->mutex};
    return recording_->changed.wait_for(lock, std::chrono::seconds{10},
                                        [this] { return recording_->readable; });
  }

  void when_writable(std::function<void()> resume) override { resume(); }
  [[nodiscard]] bool client_gone() const override { return recording_->gone_after == 0; }
  void when_gone(std::function<void()> /*notify*/) override {}

 private:
  std::shared_ptr<Recording> recording_;
};

// One request of the test's making.
struct Asked {
  std::string method, target, path, query, host, version;
  Fields headers;
  std::string body;
  std::size_t memory_limit = 0;
  std::string peer, local;
};

Address address_of(const std::string& text) {
  if (text.starts_with("unix:")) return {Address::Family::unix_path, 0, text.substr(5)};
  const auto colon = text.rfind(':');
  return {Address::Family::ipv4, static_cast<std::uint16_t>(std::stoi(text.substr(colon + 1))),
          text.substr(0, colon)};
}

class TestHandler {
 public:
  TestHandler(const py::object& application, bool multithread, bool multiprocess)
      : handler_{GilHeld::by_caller(), application.ptr(), {multithread, multiprocess}, log_} {
    if (!handler_.ok()) throw py::error_already_set{};
  }

  // Runs one request through the application.
  void handle(const std::shared_ptr<Recording>& recording, const Asked& asked) {
    std::vector<Header> headers;
    for (const auto& [name, value] : asked.headers) headers.push_back({name, value});
    Body body{Bytes{asked.memory_limit}};
    body.append(asked.body);
    const ConnectionInfo connection{address_of(asked.peer), address_of(asked.local)};
    Request request;
    request.method = asked.method;
    request.target = asked.target;
    request.path = asked.path;
    request.query = asked.query;
    request.host = asked.host;
    request.version = asked.version == "HTTP/1.0" ? HttpVersion::http_1_0 : HttpVersion::http_1_1;
    request.headers = headers;
    request.body = &body;
    request.connection = &connection;
    request.client = &connection.peer;
    handler_.handle(request, Responder{std::make_shared<RecordingExchange>(recording)});
  }

  // What has been logged so far.
  [[nodiscard]] std::string log() const {
    std::string text(static_cast<std::size_t>(::lseek(log_file_.get(), 0, SEEK_END)), '\0');
    if (::pread(log_file_.get(), text.data(), text.size(), 0) < 0) throw_last_error("pread");
    return text;
  }

 private:
  UniqueFd log_file_{::memfd_create("log", MFD_CLOEXEC)};
  Log log_{log_file_.get(), "worker"};
  WsgiHandler handler_;
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
      .def_readwrite("version", &Asked::version)
      .def_readwrite("headers", &Asked::headers)
      .def_property("body", nullptr, [](Asked& asked, const py::bytes& body) { asked.body = body; })
      .def_readwrite("memory_limit", &Asked::memory_limit)
      .def_readwrite("peer", &Asked::peer)
      .def_readwrite("local", &Asked::local);
  py::class_<TestHandler>(module, "Handler")
      .def(py::init<const py::object&, bool, bool>(), py::arg("application"), py::kw_only(),
           py::arg("multithread") = true, py::arg("multiprocess") = true)
      .def("handle", &TestHandler::handle)
      .def_property_readonly("log", &TestHandler::log);
  module.def("read_http_settings", &read_back);
}
