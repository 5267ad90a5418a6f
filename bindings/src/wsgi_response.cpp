// SPDX-License-Identifier: MIT
#include "wsgi_response.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <utility>

#include "spawning/headers.hpp"

namespace spawning::python {
namespace {

// From here on, copying octets to the kernel takes longer than handing the GIL over and back.
constexpr std::size_t kWithoutGil = 64 << 10;

// Up to here, copying blocks into one is cheaper than a system call for each.
constexpr std::size_t kMostJoined = 16 << 10;

bool raise(PyObject* exc_info) {
  if (!PyTuple_Check(exc_info) || PyTuple_GET_SIZE(exc_info) != 3) {
    PyErr_SetString(PyExc_TypeError,
                    "start_response: exc_info must be a tuple of three, as sys.exc_info()");
    return false;
  }
  PyObject* const value = PyTuple_GET_ITEM(exc_info, 1);
  PyObject* const traceback = PyTuple_GET_ITEM(exc_info, 2);
  if (!PyExceptionInstance_Check(value) ||
      (traceback != Py_None && !PyTraceBack_Check(traceback))) {
    PyErr_SetString(PyExc_TypeError, "start_response: exc_info must be as sys.exc_info() gives it");
    return false;
  }
  auto* const type = reinterpret_cast<PyObject*>(Py_TYPE(value));
  PyErr_Restore(PyRef::borrow(type).release(), PyRef::borrow(value).release(),
                traceback == Py_None ? nullptr : PyRef::borrow(traceback).release());
  return false;
}

bool is_bytes(PyObject* block) {
  if (PyBytes_Check(block)) return true;
  PyErr_Format(PyExc_TypeError, "a WSGI application must give blocks of bytes, not %.100s",
               Py_TYPE(block)->tp_name);
  return false;
}

bool fail(PyObject* type, const char* message) {
  PyErr_SetString(type, message);
  return false;
}

// Of a head that the library has accepted: one well-formed field, or none.
std::optional<std::uint64_t> declared_length(const ResponseHead& head) {
  const Header* const field = find_header(head.headers, "Content-Length");
  if (field == nullptr) return std::nullopt;
  std::string_view text = field->value;
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  std::uint64_t length = 0;
  std::from_chars(text.data(), text.data() + text.size(), length);
  return length;
}

}  // namespace

void WsgiResponse::begin(Responder responder, std::string_view method, Hub* hub) {
  responder_.emplace(std::move(responder));
  hub_ = hub;
  bodiless_ = method == "HEAD";
  called_ = full_ = gone_ = exceeded_ = false;
  left_.reset();
}

bool WsgiResponse::state_head(const GilHeld& gil, PyObject* status, PyObject* headers,
                              PyObject* exc_info) {
  occupancy_.await_turn(gil);
  if (!responder_) return fail(PyExc_RuntimeError, "start_response: the request is over");
  const bool replace = exc_info != nullptr && exc_info != Py_None;
  if (replace && responder_->started()) return raise(exc_info);
  if (!replace && called_)
    return fail(PyExc_AssertionError, "start_response: called again without exc_info");
  called_ = true;
  return head_.assign(status, headers);
}

bool WsgiResponse::send_hints(const GilHeld& gil, PyObject* headers) {
  occupancy_.await_turn(gil);
  if (!responder_) return fail(PyExc_RuntimeError, "early_hints: the request is over");
  if (responder_->started()) return fail(PyExc_RuntimeError, "early_hints: the response has begun");
  constexpr unsigned kEarlyHints = 103;
  StatedHead hints;
  if (!hints.assign_interim(kEarlyHints, headers)) return false;
  try {
    responder_->inform(hints.view());
    return true;
  } catch (const std::invalid_argument& error) {
    return fail(PyExc_ValueError, error.what());
  }
}

bool WsgiResponse::ready_to_send(const GilHeld& gil) {
  occupancy_.await_turn(gil);
  if (!responder_) return fail(PyExc_RuntimeError, "the request is over");
  if (!head_.stated())
    return fail(PyExc_AssertionError, "the application has not called start_response");
  return true;
}

// The library checks more than StatedHead (Content-Length, say), and before anything is sent.
bool WsgiResponse::start(std::optional<std::uint64_t> length) {
  const ResponseHead& head = head_.view();
  try {
    responder_->start(head, length);
  } catch (const std::invalid_argument& error) {
    return fail(PyExc_ValueError, error.what());
  }
  bodiless_ = bodiless_ || head.status == 204 || head.status == 205 || head.status == 304;
  left_ = declared_length(head);
  if (!left_) left_ = length;
  return true;
}

bool WsgiResponse::respond(const GilHeld& gil, std::string_view body) {
  try {
    if (body.size() < kWithoutGil) {
      responder_->respond(head_.view(), body);
    } else {
      const Occupancy::WithoutGil released{occupancy_, gil};
      responder_->respond(head_.view(), body);
    }
    responder_.reset();
    return true;
  } catch (const std::invalid_argument& error) {
    return fail(PyExc_ValueError, error.what());
  }
}

// False if the client has gone, or with an exception set.
bool WsgiResponse::wait_for_client(const GilHeld& gil) {
  if (hub_ != nullptr && (full_ || pause_)) return pause(gil);
  if (!std::exchange(full_, false)) return true;
  const Occupancy::WithoutGil released{occupancy_, gil};
  return responder_->wait_writable();
}

// Others run meanwhile, some of which may write to this response too, or end it: whoever comes while
// somebody waits waits for the same. What raises in a wait leaves it to the next.
bool WsgiResponse::pause(const GilHeld& gil) {
  if (!pause_) {
    pause_ = hub_->begin_pause(gil);
    if (!pause_) return false;
    responder_->when_writable([hub = hub_, number = pause_->number] { hub->wake(number); });
  }
  const std::uint64_t number = pause_->number;
  const PyRef event = PyRef::borrow(pause_->event.get());
  if (!Hub::wait(gil, event.get())) return false;
  if (pause_ && pause_->number == number) {
    pause_.reset();
    full_ = false;
  }
  if (!responder_) return fail(PyExc_RuntimeError, "the request is over");
  return !responder_->client_gone();
}

Sent WsgiResponse::write(const GilHeld& gil, std::string_view octets) {
  WriteStatus status = WriteStatus::ok;
  if (octets.size() < kWithoutGil) {
    status = responder_->write(octets);
  } else {
    const Occupancy::WithoutGil released{occupancy_, gil};
    status = responder_->write(octets);
  }
  full_ = status == WriteStatus::full;
  gone_ = status == WriteStatus::gone;
  return gone_ ? Sent::gone : count(octets.size());
}

// PEP 3333 would have us stop when enough has been sent; but the generators of applications do
// something after their last block, which is why one more is asked for.
Sent WsgiResponse::count(std::size_t octets) {
  if (bodiless_) return Sent::enough;
  if (!left_) return Sent::ok;
  exceeded_ = octets > *left_;
  *left_ -= std::min<std::uint64_t>(*left_, octets);
  return exceeded_ ? Sent::enough : Sent::ok;
}

Sent WsgiResponse::send(const GilHeld& gil, PyObject* block, std::optional<std::uint64_t> length) {
  if (!ready_to_send(gil) || !is_bytes(block)) return Sent::failed;
  const std::string_view octets = octets_of(block);
  if (octets.empty()) return Sent::ok;
  if (gone_ || !wait_for_client(gil)) {
    if (PyErr_Occurred() != nullptr) return Sent::failed;
    gone_ = true;
    return Sent::gone;
  }
  if (!responder_->started() && !start(length)) return Sent::failed;
  return write(gil, octets);
}

Sent WsgiResponse::send_whole(const GilHeld& gil, PyObject* const* blocks, std::size_t count) {
  if (!ready_to_send(gil)) return Sent::failed;
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (!is_bytes(blocks[i])) return Sent::failed;
    length += octets_of(blocks[i]).size();
  }
  if (length == 0) return finish(gil);
  if (!responder_->started()) {
    if (count == 1) return respond(gil, octets_of(blocks[0])) ? Sent::ok : Sent::failed;
    if (length <= kMostJoined) {
      joined_.clear();
      for (std::size_t i = 0; i < count; ++i) joined_ += octets_of(blocks[i]);
      return respond(gil, joined_) ? Sent::ok : Sent::failed;
    }
    if (!start(length)) return Sent::failed;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const Sent sent = write(gil, octets_of(blocks[i]));
    if (sent == Sent::gone) return Sent::gone;
    if (sent == Sent::enough) break;
  }
  return finish(gil);
}

Sent WsgiResponse::send_file(const GilHeld& gil, WsgiFile file) {
  if (!ready_to_send(gil) || !start(file.length)) return Sent::failed;
  if (!bodiless_) {
    const Occupancy::WithoutGil released{occupancy_, gil};
    responder_->write_file(std::move(file.descriptor), file.offset, std::min(file.length, *left_));
  }
  return finish(gil);
}

Sent WsgiResponse::finish(const GilHeld& gil) {
  if (!ready_to_send(gil)) return Sent::failed;
  if (!responder_->started()) {
    // What has no body may still have a length (of what GET would give), and we do not know it.
    const unsigned status = head_.view().status;
    const bool length_unknown = bodiless_ || status == 204 || status == 304;
    if (!start(length_unknown ? std::nullopt : std::optional<std::uint64_t>{0}))
      return Sent::failed;
  }
  responder_->finish();
  responder_.reset();
  return Sent::ok;
}

void WsgiResponse::end(const GilHeld& gil) {
  occupancy_.await_turn(gil);
  responder_.reset();
  if (pause_) hub_->wake(pause_->number);  // greenlets of the application's own
  pause_.reset();
  head_.clear();
}

// A thread that sends without the GIL will see for itself; nobody waits for that.
bool WsgiResponse::client_gone() const {
  if (occupancy_.occupied()) return gone_;
  return !responder_ || gone_ || responder_->client_gone();
}

void WsgiResponse::when_gone(const GilHeld& gil, std::function<void()> notify) {
  occupancy_.await_turn(gil);
  if (responder_) responder_->when_gone(std::move(notify));
}

}  // namespace spawning::python
