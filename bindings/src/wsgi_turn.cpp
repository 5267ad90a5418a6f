// SPDX-License-Identifier: MIT
#include "wsgi_turn.hpp"

#include <array>
#include <optional>
#include <utility>

namespace spawning::python {
namespace {

// len() where the type has one: PEP 3333 allows to use it if it is 1. Nothing else can be trusted.
bool has_one_block(PyObject* iterable) {
  const PyTypeObject* const type = Py_TYPE(iterable);
  const bool sized =
      (type->tp_as_sequence != nullptr && type->tp_as_sequence->sq_length != nullptr) ||
      (type->tp_as_mapping != nullptr && type->tp_as_mapping->mp_length != nullptr);
  if (!sized) return false;
  const Py_ssize_t length = PyObject_Size(iterable);
  if (length < 0) PyErr_Clear();
  return length == 1;
}

// Both are iterable, and never meant: of a `bytes` object the blocks would be numbers.
bool is_text(PyObject* body) {
  if (!PyBytes_Check(body) && !PyUnicode_Check(body)) return false;
  PyErr_Format(PyExc_TypeError,
               "a WSGI application must return an iterable of bytes, such as [body]; not %.100s",
               Py_TYPE(body)->tp_name);
  return true;
}

}  // namespace

void WsgiTurn::run(PyObject* environ, PyObject* start_response) {
  const std::array<PyObject*, 2> arguments{environ, start_response};
  PyRef body = PyRef::steal(calling_python([this, &arguments] {
    return PyObject_Vectorcall(handler_.application_.get(), arguments.data(), arguments.size(),
                               nullptr);
  }));
  handler_.stay_if_forked();
  if (!body || is_text(body.get())) return end_response(false);
  const bool in_memory = PyList_CheckExact(body.get()) || PyTuple_CheckExact(body.get());
  if (in_memory) return end_response(send(body.get()));
  if (!find_close(body.get())) return end_response(false);
  // What write() has begun is no file any more.
  auto file = response_.begun() ? std::nullopt : handler_.files_.find(gil_, body.get());
  end_response(file ? send_file(std::move(*file)) : send_blocks(body.get()));
  if (close_) call_close();
}

// A list or a tuple: all blocks are here already, and there is nobody to wait for.
bool WsgiTurn::send(PyObject* body) {
  input_.end(gil_);
  // A copy, since the GIL may be released: the application could still change its list.
  const PyRef blocks =
      PyList_CheckExact(body) ? PyRef::steal(PyList_AsTuple(body)) : PyRef::borrow(body);
  if (!blocks) return false;
  return response_.send_whole(gil_, &PyTuple_GET_ITEM(blocks.get(), 0),
                              static_cast<std::size_t>(PyTuple_GET_SIZE(blocks.get()))) !=
         Sent::failed;
}

bool WsgiTurn::send_file(WsgiFile file) {
  input_.end(gil_);
  return response_.send_file(gil_, std::move(file)) != Sent::failed;
}

bool WsgiTurn::send_blocks(PyObject* iterable) {
  const PyRef iterator =
      PyRef::steal(calling_python([iterable] { return PyObject_GetIter(iterable); }));
  if (!iterator) return false;
  GoneClients::Iteration iteration{gil_, handler_.gone_clients_, response_};
  bool only_block = has_one_block(iterable);
  Sent sent = Sent::ok;
  while (sent == Sent::ok) {
    const PyRef block = iteration.next(iterator.get());
    handler_.stay_if_forked();
    if (!block) break;
    std::optional<std::uint64_t> length;
    if (only_block && PyBytes_Check(block.get())) length = octets_of(block.get()).size();
    sent = response_.send(gil_, block.get(), length);
  }
  if (sent == Sent::failed || PyErr_Occurred() != nullptr) return false;
  if (sent == Sent::gone || iteration.gone()) return true;
  input_.end(gil_);
  return response_.finish(gil_) != Sent::failed;
}

bool WsgiTurn::find_close(PyObject* body) {
  close_ = PyRef::steal(PyObject_GetAttr(body, handler_.close_name_.get()));
  if (close_) {
    label_ = label();
    return true;
  }
  if (PyErr_ExceptionMatches(PyExc_AttributeError) == 0) return false;
  PyErr_Clear();
  return true;
}

void WsgiTurn::end_response(bool good) {
  if (!good) log_exception();
  input_.end(gil_);
  response_.end(gil_);
}

// After the response, so that no client waits for it.
void WsgiTurn::call_close() {
  const PyRef result =
      PyRef::steal(calling_python([this] { return PyObject_CallNoArgs(close_.get()); }));
  handler_.stay_if_forked();
  if (!result) log_exception();
}

std::string WsgiTurn::label() const {
  std::string text{request_.method};
  text += ' ';
  text += request_.target;
  text += " from ";
  const Address& client = *request_.client;
  // A proxy need not say which port its client has.
  const bool without_port = client.port == 0 && client.family != Address::Family::unix_path;
  text += without_port ? client.host : client.to_string();
  return text;
}

void WsgiTurn::log_exception() {
  // What write() raises for a client that has gone is no failure of the application.
  if (response_.gone() && PyErr_ExceptionMatches(PyExc_BrokenPipeError) != 0) return PyErr_Clear();
  const PyRef exception = take_exception();
  handler_.log_exception(gil_, label_.empty() ? label() : label_, exception.get());
}

}  // namespace spawning::python
