// SPDX-License-Identifier: MIT
#include "http_settings.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <string>
#include <string_view>

#include "spawning/error.hpp"

namespace py = pybind11;

namespace spawning::python {
namespace {

using Milliseconds = std::chrono::milliseconds;

constexpr double kLongestSeconds = 1e9;

[[noreturn]] void refuse_type(const char* expected, py::handle value) {
  throw py::type_error{std::string{"expected "} + expected + ", not " +
                       Py_TYPE(value.ptr())->tp_name};
}

std::uint64_t count_of(py::handle value) {
  if (!PyLong_Check(value.ptr()) || PyBool_Check(value.ptr())) refuse_type("int", value);
  const auto count = PyLong_AsUnsignedLongLong(value.ptr());
  if (PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    throw py::value_error{"expected a number from 0 to 2**64 - 1"};
  }
  return count;
}

Milliseconds seconds_of(py::handle value) {
  const bool number = PyLong_Check(value.ptr()) || PyFloat_Check(value.ptr());
  if (!number || PyBool_Check(value.ptr())) refuse_type("int or float", value);
  const double seconds = PyFloat_AsDouble(value.ptr());
  PyErr_Clear();  // of an int that is too large: -1 then
  if (!(seconds >= 0 && seconds <= kLongestSeconds))
    throw py::value_error{"expected a number of seconds from 0 to 1e9"};
  return Milliseconds{std::llround(seconds * 1000)};
}

bool flag_of(py::handle value) {
  if (!PyBool_Check(value.ptr())) refuse_type("bool", value);
  return value.ptr() == Py_True;
}

std::string text_of(py::handle value) {
  if (!PyUnicode_Check(value.ptr())) refuse_type("str", value);
  Py_ssize_t size = 0;
  const char* const text = PyUnicode_AsUTF8AndSize(value.ptr(), &size);
  if (text == nullptr) throw py::error_already_set{};
  return {text, static_cast<std::size_t>(size)};
}

std::string field_value_of(py::handle value) {
  std::string text = text_of(value);
  if (!std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; }))
    throw py::value_error{"expected printable ASCII"};
  return text;
}

HeaderMap header_map_of(py::handle value) {
  const std::string text = text_of(value);
  if (text == "drop") return HeaderMap::drop;
  if (text == "refuse") return HeaderMap::refuse;
  if (text == "dangerous") return HeaderMap::dangerous;
  throw py::value_error{"expected drop, refuse or dangerous"};
}

TrustedProxies proxies_of(py::handle value) {
  try {
    return TrustedProxies::parse(text_of(value));
  } catch (const StartupError& error) {
    throw py::value_error{error.what()};
  }
}

struct HttpSetting {
  std::string_view name;
  void (*store)(HttpConfig& config, py::handle value);
};

constexpr std::array<HttpSetting, 19> kSettings{{
    {"no_keepalive", [](HttpConfig& c, py::handle v) { c.keep_alive = !flag_of(v); }},
    {"keepalive_requests",
     [](HttpConfig& c, py::handle v) { c.keep_alive_requests = count_of(v); }},
    {"header_map", [](HttpConfig& c, py::handle v) { c.header_map = header_map_of(v); }},
    {"server_header", [](HttpConfig& c, py::handle v) { c.server = field_value_of(v); }},
    {"limit_request_line",
     [](HttpConfig& c, py::handle v) { c.limits.request_line = Bytes{count_of(v)}; }},
    {"limit_header_count",
     [](HttpConfig& c, py::handle v) { c.limits.header_count = count_of(v); }},
    {"limit_headers",
     [](HttpConfig& c, py::handle v) { c.limits.header_octets = Bytes{count_of(v)}; }},
    {"limit_body", [](HttpConfig& c, py::handle v) { c.limits.body = Bytes{count_of(v)}; }},
    {"max_connections", [](HttpConfig& c, py::handle v) { c.max_connections = count_of(v); }},
    {"header_timeout", [](HttpConfig& c, py::handle v) { c.timeouts.header = seconds_of(v); }},
    {"body_timeout", [](HttpConfig& c, py::handle v) { c.timeouts.body = seconds_of(v); }},
    {"body_rate", [](HttpConfig& c, py::handle v) { c.body_rate = Bytes{count_of(v)}; }},
    {"write_timeout", [](HttpConfig& c, py::handle v) { c.timeouts.write = seconds_of(v); }},
    {"keepalive_timeout", [](HttpConfig& c, py::handle v) { c.timeouts.idle = seconds_of(v); }},
    {"request_timeout",
     [](HttpConfig& c, py::handle v) { c.request_timeouts.request = seconds_of(v); }},
    {"queue_timeout",
     [](HttpConfig& c, py::handle v) { c.request_timeouts.queue = seconds_of(v); }},
    {"forwarded_allow_ips", [](HttpConfig& c, py::handle v) { c.forwarded_allow = proxies_of(v); }},
    {"proxy_protocol", [](HttpConfig& c, py::handle v) { c.proxy_protocol = flag_of(v); }},
    {"request_id", [](HttpConfig& c, py::handle v) { c.request_id = flag_of(v); }},
}};

}  // namespace

HttpConfig read_http_settings(const py::dict& settings) {
  HttpConfig config;
  for (const auto& [key, value] : settings) {
    const std::string name = py::str(key);
    const auto setting = std::ranges::find(kSettings, name, &HttpSetting::name);
    if (setting == kSettings.end()) throw py::type_error{"there is no HTTP setting " + name};
    try {
      setting->store(config, value);
    } catch (const py::type_error& error) {
      throw py::type_error{name + ": " + error.what()};
    } catch (const py::value_error& error) {
      throw py::value_error{name + ": " + error.what()};
    }
  }
  return config;
}

}  // namespace spawning::python
