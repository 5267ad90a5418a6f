// SPDX-License-Identifier: MIT
#include "stated_head.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "spawning/headers.hpp"

namespace spawning::python {
namespace {

// RFC 2616 §13.5.1, with a name that also affects the persistence of the connection.
constexpr std::array<std::string_view, 10> kHopByHop{
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection",
    "te",         "trailer",    "trailers",           "transfer-encoding",   "upgrade"};

bool is_hop_by_hop(std::string_view name) {
  return std::any_of(kHopByHop.begin(), kHopByHop.end(),
                     [name](std::string_view hop) { return equals_ignoring_case(name, hop); });
}

// RFC 9110 §5.6.2
constexpr std::array<bool, 256> kToken = [] {
  std::array<bool, 256> table{};
  for (const char c : std::string_view{"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}) {
    table[static_cast<unsigned char>(c)] = true;
  }
  return table;
}();

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return kToken[static_cast<unsigned char>(c)]; });
}

// PEP 3333 "The start_response() Callable": "must not include any control characters", the tab
// included, which RFC 9110 §5.5 would allow.
bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto octet = static_cast<unsigned char>(c);
    return octet < 0x20 || octet == 0x7f;
  });
}

// The octets of a `str` that fits in ISO-8859-1: CPython stores it as exactly these.
std::optional<std::string_view> latin1_octets(const char* caller, PyObject* text,
                                              const char* what) {
  if (!PyUnicode_Check(text)) {
    PyErr_Format(PyExc_TypeError, "%s: %s must be a str, not %.100s", caller, what,
                 Py_TYPE(text)->tp_name);
    return std::nullopt;
  }
#if PY_VERSION_HEX < 0x030C0000
  if (PyUnicode_READY(text) < 0) return std::nullopt;
#endif
  if (PyUnicode_KIND(text) != PyUnicode_1BYTE_KIND) {
    PyErr_Format(PyExc_ValueError, "%s: %s has characters beyond ISO-8859-1: %R", caller, what,
                 text);
    return std::nullopt;
  }
  return std::string_view{reinterpret_cast<const char*>(PyUnicode_1BYTE_DATA(text)),
                          static_cast<std::size_t>(PyUnicode_GET_LENGTH(text))};
}

unsigned status_code(std::string_view status) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (status.size() < 4 || status[3] != ' ' ||
      !std::all_of(status.begin(), status.begin() + 3, is_digit)) {
    return 0;
  }
  return static_cast<unsigned>((status[0] - '0') * 100 + (status[1] - '0') * 10 +
                               (status[2] - '0'));
}

}  // namespace

bool StatedHead::add_status(PyObject* status) {
  const auto text = latin1_octets(caller_, status, "the status");
  if (!text) return false;
  const unsigned code = status_code(*text);
  if (code < 200 || code > 599 || has_control(*text)) {
    PyErr_Format(PyExc_ValueError, "%s: the status must be like '200 OK', from 200 to 599: got %R",
                 caller_, status);
    return false;
  }
  head_.status = code;
  head_.reason = text->substr(4);
  keep(status);
  return true;
}

bool StatedHead::add_header(PyObject* header) {
  if (!PyTuple_Check(header) || PyTuple_GET_SIZE(header) != 2) {
    PyErr_Format(PyExc_TypeError, "%s: each header must be a tuple (name, value), not %R", caller_,
                 header);
    return false;
  }
  PyObject* const name = PyTuple_GET_ITEM(header, 0);
  PyObject* const value = PyTuple_GET_ITEM(header, 1);
  const auto name_octets = latin1_octets(caller_, name, "a header's name");
  if (!name_octets) return false;
  const auto value_octets = latin1_octets(caller_, value, "a header's value");
  if (!value_octets) return false;
  if (!is_token(*name_octets)) {
    PyErr_Format(PyExc_ValueError, "%s: not a header's name: %R", caller_, name);
    return false;
  }
  if (has_control(*value_octets)) {
    PyErr_Format(PyExc_ValueError, "%s: control characters in the value of %U: %R", caller_, name,
                 value);
    return false;
  }
  if (is_hop_by_hop(*name_octets)) {
    PyErr_Format(PyExc_AssertionError,
                 "%s: %U is a hop-by-hop header, which the server alone may send", caller_, name);
    return false;
  }
  headers_.push_back({*name_octets, *value_octets});
  keep(name);
  keep(value);
  return true;
}

bool StatedHead::add_headers(PyObject* headers) {
  if (!PyList_CheckExact(headers)) {
    PyErr_Format(PyExc_TypeError, "%s: the headers must be a list of tuples, not %.100s", caller_,
                 Py_TYPE(headers)->tp_name);
    return false;
  }
  // Nothing in here runs Python code before it fails, so the list does not change meanwhile.
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(headers); ++i) {
    if (!add_header(PyList_GET_ITEM(headers, i))) return false;
  }
  head_.headers = headers_;
  return true;
}

bool StatedHead::assign(PyObject* status, PyObject* headers) {
  StatedHead previous;
  if (stated()) previous = std::move(*this);  // else the vectors' memory is used again
  clear();
  if (add_status(status) && add_headers(headers)) return true;
  *this = std::move(previous);
  return false;
}

bool StatedHead::assign_interim(unsigned status, PyObject* headers) {
  clear();
  caller_ = "early_hints";
  if (!add_headers(headers)) return false;
  head_.status = status;
  return true;
}

void StatedHead::clear() {
  head_ = {0, {}, {}};
  headers_.clear();
  texts_.clear();
}

}  // namespace spawning::python
