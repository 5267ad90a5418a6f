// SPDX-License-Identifier: MIT
#include "environ.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "spawning/headers.hpp"

namespace spawning::python {
namespace {

constexpr std::array<std::string_view, 7> kMethods{"GET",    "POST",  "PUT",    "HEAD",
                                                   "DELETE", "PATCH", "OPTIONS"};

// A machine has few addresses; one that has more than these makes their templates anew.
constexpr std::size_t kMostTemplates = 64;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

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
  const PyRef module = PyRef::steal(PyImport_ImportModule("spawning.file_wrapper"));
  if (!module) return {};
  return PyRef::steal(PyObject_GetAttrString(module.get(), "FileWrapper"));
}

// RFC 3875 has no words for UNIX sockets, and PEP 3333 wants a name and a port.
std::pair<std::string, std::string> server_name(const Address& local) {
  if (local.family == Address::Family::unix_path || local.family == Address::Family::none) {
    return {"localhost", "80"};
  }
  return {local.host, std::to_string(local.port)};
}

// Puts a field that is there already and another one of its name together. RFC 9110 §5.3, RFC 6265
// §5.4.
bool join(PyObject* environ, const HeaderKey& header, PyObject* first, PyObject* second) {
  const char* const format = header.kind == HeaderKey::Kind::cookie ? "%U; %U" : "%U,%U";
  const PyRef joined = PyRef::steal(PyUnicode_FromFormat(format, first, second));
  return joined && PyDict_SetItem(environ, header.key.get(), joined.get()) == 0;
}

}  // namespace

std::string percent_decoded(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && text.size() - i > 2) {
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high >= 0 && low >= 0) {
        decoded += static_cast<char>(high * 16 + low);
        i += 2;
        continue;
      }
    }
    decoded += text[i];
  }
  return decoded;
}

EnvironBuilder::EnvironBuilder(const GilHeld&, EnvironOptions options) : options_{options} {
  constexpr std::array<std::string_view, kKeys> kNames{
      "CONTENT_LENGTH", "HTTP_HOST",       "PATH_INFO",   "QUERY_STRING",
      "RAW_URI",        "REMOTE_ADDR",     "REMOTE_PORT", "REQUEST_METHOD",
      "REQUEST_URI",    "SERVER_PROTOCOL", "wsgi.input"};
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
  empty_ = latin1("");
  ok_ = empty_ && header_names_.prepare();
}

PyRef EnvironBuilder::make_template(const Address& local) {
  PyRef environ = PyRef::steal(PyDict_New());
  if (!environ) return {};
  PyObject* const dict = environ.get();
  // Places for what every request sets: the copy is then large enough from the start.
  for (std::size_t key = path_info; key < kKeys; ++key) {
    if (PyDict_SetItem(dict, keys_[key].get(), Py_None) < 0) return {};
  }
  const auto [name, port] = server_name(local);
  const bool good = set_item(dict, "GATEWAY_INTERFACE", latin1("CGI/1.1")) &&
                    set_item(dict, "SCRIPT_NAME", latin1("")) &&
                    set_item(dict, "SERVER_NAME", latin1(name)) &&
                    set_item(dict, "SERVER_PORT", latin1(port)) &&
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
  return set(environ, path_info, escaped ? latin1(percent_decoded(path)) : latin1(path)) &&
         set(environ, query_string, latin1(request.query)) &&
         set(environ, request_method, method(request.method)) &&
         set(environ, server_protocol,
             PyRef::borrow(protocols_[static_cast<std::size_t>(request.version)].get())) &&
         set(environ, request_uri, PyRef::borrow(target.get())) &&
         set(environ, raw_uri, std::move(target));
}

bool EnvironBuilder::set_peer(PyObject* environ, const Address& peer) {
  const bool internet =
      peer.family == Address::Family::ipv4 || peer.family == Address::Family::ipv6;
  if (!internet) {
    return set(environ, remote_addr, PyRef::borrow(empty_.get())) &&
           set(environ, remote_port, PyRef::borrow(empty_.get()));
  }
  if (!peer_.text || peer_.octets != peer.host) {
    peer_.octets = peer.host;
    peer_.text = latin1(peer.host);
  }
  return set(environ, remote_addr, PyRef::borrow(peer_.text.get())) &&
         set(environ, remote_port, decimal(peer.port));
}

bool EnvironBuilder::set_headers(PyObject* environ, const Request& request) {
  bool has_length = false;
  for (const Header& header : request.headers) {
    const HeaderKey* const known = header_names_.find(header.name);
    if (known == nullptr) return false;
    if (known->kind == HeaderKey::Kind::length) has_length = true;
    if (!known->key) continue;
    const PyRef value = latin1(header.value);
    if (!value) return false;
    PyObject* const stored = PyDict_SetDefault(environ, known->key.get(), value.get());
    if (stored == nullptr) return false;
    if (stored != value.get() && !join(environ, *known, stored, value.get())) return false;
  }
  return !has_length || set(environ, content_length, decimal(request.body->size()));
}

PyRef EnvironBuilder::build(const GilHeld&, const Request& request, PyObject* input) {
  const PyRef model = template_for(request.connection->local);
  if (!model) return {};
  PyRef environ = PyRef::steal(PyDict_Copy(model.get()));
  if (!environ) return {};
  bool good = set_request_line(environ.get(), request) &&
              set_peer(environ.get(), *request.client) && set_headers(environ.get(), request) &&
              PyDict_SetItem(environ.get(), keys_[wsgi_input].get(), input) == 0;
  // The authority of an absolute-form target replaces the Host field. RFC 9112 §3.2.2
  const bool absolute =
      !request.target.empty() && request.target.front() != '/' && request.target != "*";
  if (good && absolute) good = set(environ.get(), http_host, latin1(request.host));
  return good ? std::move(environ) : PyRef{};
}

}  // namespace spawning::python
