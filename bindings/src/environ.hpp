// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The `environ` dictionaries that applications are given.

#include <Python.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gil.hpp"
#include "header_names.hpp"
#include "py_ref.hpp"
#include "spawning/request.hpp"

namespace spawning::python {

/// What is the same in every environ of a process.
struct EnvironOptions {
  bool multithread = true;
  bool multiprocess = true;
};

/// The objects of one request. All but the first stand in its environ. Borrowed.
struct RequestObjects {
  PyObject* start_response = nullptr;
  PyObject* input = nullptr;
  PyObject* early_hints = nullptr;
  PyObject* client_disconnected = nullptr;
};

/// Builds environs: a copy of a template for the address that the request came to, which holds all
/// that never changes, and then what the request says.
///
/// `CONTENT_LENGTH` is the length of the body, which is complete, also where it came in chunks.
/// Repeated headers are joined with "," (cookies with "; "). `RAW_URI` and `REQUEST_URI` are the
/// request target as it was sent. Where a trusted proxy has said what the client asked for, or the
/// target did, `HTTP_HOST`, `SERVER_NAME` and `SERVER_PORT` say so too.
///
/// A client without an internet address is on this machine: `REMOTE_ADDR` is then 127.0.0.1.
/// `REMOTE_PORT` is left out where there is none to tell.
///
/// \par Threads  With the GIL held.
/// \see PEP 3333, "environ Variables"; RFC 3875
class EnvironBuilder {
 public:
  /// If it fails ok() is false and a Python exception is set.
  EnvironBuilder(const GilHeld& gil, EnvironOptions options);

  [[nodiscard]] bool ok() const { return ok_; }

  /// A new dictionary. Null with an exception set if there is no memory.
  [[nodiscard]] PyRef build(const GilHeld& gil, const Request& request,
                            const RequestObjects& objects);

 private:
  enum Key : std::size_t {
    content_length,
    http_host,
    path_info,
    query_string,
    raw_uri,
    remote_addr,
    remote_port,
    request_method,
    request_uri,
    server_protocol,
    spawning_client_disconnected,
    wsgi_early_hints,
    wsgi_input,
    kKeys,
  };

  // The last text of its kind: consecutive requests tend to have the same.
  struct LastText {
    std::string octets;
    PyRef text;
  };

  struct Template {
    Address local;
    PyRef environ;
  };

  [[nodiscard]] PyRef template_for(const Address& local);
  [[nodiscard]] PyRef make_template(const Address& local);
  [[nodiscard]] bool set(PyObject* environ, Key key, PyRef value);
  [[nodiscard]] bool set_request_line(PyObject* environ, const Request& request);
  [[nodiscard]] bool set_client(PyObject* environ, const Address& client);
  [[nodiscard]] bool set_headers(PyObject* environ, const Request& request);
  [[nodiscard]] bool set_objects(PyObject* environ, const RequestObjects& objects);
  [[nodiscard]] PyRef method(std::string_view name);

  EnvironOptions options_;
  bool ok_ = false;
  std::array<PyRef, kKeys> keys_;
  std::array<PyRef, 2> protocols_;  // by HttpVersion
  std::vector<PyRef> methods_;      // in the order of kMethods
  HeaderNames header_names_;
  std::vector<Template> templates_;
  LastText client_;
};

}  // namespace spawning::python
