// SPDX-License-Identifier: MIT
#include "environ.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "file_wrapper.hpp"
#include "spawning/headers.hpp"
#include "spawning/percent_encoding.hpp"

namespace spawning::python {
namespace {

constexpr std::array<std::string_view, 7> kMethods{"GET",    "POST",  "PUT",    "HEAD",
                                                   "DELETE", "PATCH", "OPTIONS"};

// A machine has few addresses; one that has more than these makes their templates anew.
constexpr std::size_t kMostTemplates = 64;

PyRef decimal(std::uint64_t number) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  return latin1({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

bool set_item(PyObject* dict, const char* key, PyRef value) {
  const PyRef name = interned(key);
  return name && value && PyDict_SetItem(dict, name.get(), value.get()) == 0;
}

PyRef boolean(bool value) { return PyRef::borrow(value ? Py_True : Py_False); }

PyRef error_stream() {
  PyObject* stream = PySys_GetObject("stderr");
  return PyRef::borrow(stream != nullptr ? stream : Py_None);
}

PyRef file_wrapper() {
  const PyRef module = file_wrapper_module(GilHeld::by_caller());
  if (!module) return {};
  return PyRef::steal(PyObject_GetAttrString(module.get(), "FileWrapper"));
}

struct ServerName {
  std::string_view name;
  std::string_view port;
};

// RFC 3875 §4.1.14 wants IPv6 addresses in brackets. It has no words for UNIX sockets; PEP 3333
// wants a name and a port.
bool set_server(PyObject* environ, const Address& local) {
  if (local.family == Address::Family::unix_path || local.family == Address::Family::none) {
    return set_item(environ, "SERVER_NAME", latin1("localhost")) &&
           set_item(environ, "SERVER_PORT", latin1("80"));
  }
  const bool brackets = local.family == Address::Family::ipv6;
  return set_item(environ, "SERVER_NAME", latin1(brackets ? "[" + local.host + "]" : local.host)) &&
         set_item(environ, "SERVER_PORT", decimal(local.port));
}

// An authority, "[::1]:8080" or "example.org", and the port that its scheme implies.
ServerName split(std::string_view authority, std::string_view scheme) {
  const std::size_t end = authority.find(':', authority.find(']') + 1);  // npos + 1 is 0
  const std::string_view port = end == std::string_view::npos ? "" : authority.substr(end + 1);
  return {authority.substr(0, end), !port.empty() ? port : scheme == "https" ? "443" : "80"};
}

// What the client asked for, as a proxy or the target says it: not this socket.
bool set_asked_for(PyObject* environ, const Request& request) {
  if (request.scheme != "http") {
    const bool https = request.scheme == "https";
    if (!set_item(environ, "wsgi.url_scheme", latin1(request.scheme))) return false;
    if (https && !set_item(environ, "HTTPS", latin1("on"))) return false;
  }
  const ServerName server = split(request.host, request.scheme);
  if (server.name.empty()) return true;
  return set_item(environ, "HTTP_HOST", latin1(request.host)) &&
         set_item(environ, "SERVER_NAME", latin1(server.name)) &&
         set_item(environ, "SERVER_PORT", latin1(server.port));
}

// Puts a field that is there already and another one of its name together. RFC 9110 §5.3, RFC 6265
// §5.4.
bool join(PyObject* environ, const HeaderKey& header, PyObject* first, PyObject* second) {
  const char* const format = header.kind == HeaderKey::Kind::cookie ? "%U; %U" : "%U,%U";
  const PyRef joined = PyRef::steal(PyUnicode_FromFormat(format, first, second));
  return joined && PyDict_SetItem(environ, header.key.get(), joined.get()) == 0;
}

}  // namespace

EnvironBuilder::EnvironBuilder(const GilHeld&, EnvironOptions options) : options_{options} {
  constexpr std::array<std::string_view, kKeys> kNames{"CONTENT_LENGTH",
                                                       "HTTP_HOST",
                                                       "PATH_INFO",
                                                       "QUERY_STRING",
                                                       "RAW_URI",
                                                       "REMOTE_ADDR",
                                                       "REMOTE_PORT",
                                                       "REQUEST_METHOD",
                                                       "REQUEST_URI",
                                                       "SERVER_PROTOCOL",
                                                       "spawning.client_disconnected",
                                                       "wsgi.early_hints",
                                                       "wsgi.input"};
  for (std::size_t i = 0; i < kKeys; ++i) {
    if (keys_[i] = interned(kNames[i]); !keys_[i]) return;
  }
  for (const std::string_view name : kMethods) {
    if (methods_.push_back(interned(name)); !methods_.back()) return;
  }
  for (const HttpVersion version : {HttpVersion::http_1_0, HttpVersion::http_1_1}) {
    PyRef& protocol = protocols_[static_cast<std::size_t>(version)];
    if (protocol = interned(to_string(version)); !protocol) return;
  }
  ok_ = header_names_.prepare();
}

PyRef EnvironBuilder::make_template(const Address& local) {
  PyRef environ = PyRef::steal(PyDict_New());
  if (!environ) return {};
  PyObject* const dict = environ.get();
  // Places for what every request sets: the copy is then large enough from the start.
  for (std::size_t key = path_info; key < kKeys; ++key) {
    if (PyDict_SetItem(dict, keys_[key].get(), Py_None) < 0) return {};
  }
  const bool good = set_server(dict, local) &&
                    set_item(dict, "GATEWAY_INTERFACE", latin1("CGI/1.1")) &&
                    set_item(dict, "SCRIPT_NAME", latin1("")) &&
                    set_item(dict, "SERVER_SOFTWARE", latin1("spawning/" SPAWNING_VERSION)) &&
                    set_item(dict, "wsgi.errors", error_stream()) &&
                    set_item(dict, "wsgi.file_wrapper", file_wrapper()) &&
                    set_item(dict, "wsgi.input_terminated", boolean(true)) &&
                    set_item(dict, "wsgi.multiprocess", boolean(options_.multiprocess)) &&
                    set_item(dict, "wsgi.multithread", boolean(options_.multithread)) &&
                    set_item(dict, "wsgi.run_once", boolean(false)) &&
                    set_item(dict, "wsgi.url_scheme", latin1("http")) &&
                    set_item(dict, "wsgi.version", PyRef::steal(Py_BuildValue("(ii)", 1, 0)));
  return good ? std::move(environ) : PyRef{};
}

PyRef EnvironBuilder::template_for(const Address& local) {
  const auto found = std::find_if(templates_.begin(), templates_.end(),
                                  [&local](const Template& each) { return each.local == local; });
  if (found != templates_.end()) return PyRef::borrow(found->environ.get());
  PyRef made = make_template(local);
  if (!made) return {};
  if (templates_.size() == kMostTemplates) templates_.erase(templates_.begin());
  templates_.push_back({local, PyRef::borrow(made.get())});
  return made;
}

bool EnvironBuilder::set(PyObject* environ, Key key, PyRef value) {
  return value && PyDict_SetItem(environ, keys_[key].get(), value.get()) == 0;
}

PyRef EnvironBuilder::method(std::string_view name) {
  const auto* const found = std::find(kMethods.begin(), kMethods.end(), name);
  if (found == kMethods.end()) return latin1(name);
  return PyRef::borrow(methods_[static_cast<std::size_t>(found - kMethods.begin())].get());
}

bool EnvironBuilder::set_request_line(PyObject* environ, const Request& request) {
  PyRef target = latin1(request.target);
  if (!target) return false;
  // PATH_INFO is empty or begins with "/": the asterisk-form has none.
  const std::string_view path = request.path == "*" ? std::string_view{} : request.path;
  const bool escaped = path.find('%') != std::string_view::npos;
  const bool is_target = !escaped && path.size() == request.target.size();  // the most usual form
  return set(environ, path_info,
             is_target ? PyRef::borrow(target.get())
             : escaped ? latin1(percent_decoded(path))
                       : latin1(path)) &&
         set(environ, query_string, latin1(request.query)) &&
         set(environ, request_method, method(request.method)) &&
         set(environ, server_protocol,
             PyRef::borrow(protocols_[static_cast<std::size_t>(request.version)].get())) &&
         set(environ, request_uri, PyRef::borrow(target.get())) &&
         set(environ, raw_uri, std::move(target));
}

bool EnvironBuilder::set_client(PyObject* environ, const Address& client) {
  const bool internet =
      client.family == Address::Family::ipv4 || client.family == Address::Family::ipv6;
  const std::string_view host = internet ? std::string_view{client.host} : "127.0.0.1";
  if (!client_.text || client_.octets != host) {
    client_.octets = host;
    client_.text = latin1(host);
  }
  if (!set(environ, remote_addr, PyRef::borrow(client_.text.get()))) return false;
  if (client.port == 0) return PyDict_DelItem(environ, keys_[remote_port].get()) == 0;
  return set(environ, remote_port, decimal(client.port));
}

bool EnvironBuilder::set_headers(PyObject* environ, const Request& request) {
  bool has_length = false;
  std::string_view host_field;
  for (const Header& header : request.headers) {
    const HeaderKey* const known = header_names_.find(header.name);
    if (known == nullptr) return false;
    if (known->kind == HeaderKey::Kind::length) has_length = true;
    if (!known->key) continue;
    if (known->key.get() == keys_[http_host].get()) host_field = header.value;
    const PyRef value = latin1(header.value);
    if (!value) return false;
    const Py_ssize_t before = PyDict_GET_SIZE(environ);
    PyObject* const stored = PyDict_SetDefault(environ, known->key.get(), value.get());
    if (stored == nullptr) return false;
    // A second one of one character, or none, is the same object.
    const bool is_first = PyDict_GET_SIZE(environ) > before;
    if (!is_first && !join(environ, *known, stored, value.get())) return false;
  }
  if (has_length && !set(environ, content_length, decimal(request.body->size()))) return false;
  // The host is a view of the field unless somebody else has named it. RFC 9112 §3.2.2
  const bool as_asked = request.host.data() == host_field.data() || request.host.empty();
  return (as_asked && request.scheme == "http") || set_asked_for(environ, request);
}

bool EnvironBuilder::set_objects(PyObject* environ, const RequestObjects& objects) {
  return PyDict_SetItem(environ, keys_[wsgi_input].get(), objects.input) == 0 &&
         PyDict_SetItem(environ, keys_[wsgi_early_hints].get(), objects.early_hints) == 0 &&
         PyDict_SetItem(environ, keys_[spawning_client_disconnected].get(),
                        objects.client_disconnected) == 0;
}

PyRef EnvironBuilder::build(const GilHeld&, const Request& request, const RequestObjects& objects) {
  const PyRef model = template_for(request.connection->local);
  if (!model) return {};
  PyRef environ = PyRef::steal(PyDict_Copy(model.get()));
  if (!environ) return {};
  const bool good = set_request_line(environ.get(), request) &&
                    set_client(environ.get(), *request.client) &&
                    set_headers(environ.get(), request) && set_objects(environ.get(), objects);
  return good ? std::move(environ) : PyRef{};
}

}  // namespace spawning::python
