// SPDX-License-Identifier: MIT
#include "wsgi_turn.hpp"

#include <array>
#include <optional>

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

}  // namespace

void WsgiTurn::run(PyObject* environ, PyObject* start_response) {
  const std::array<PyObject*, 2> arguments{environ, start_response};
  PyRef body = PyRef::steal(PyObject_Vectorcall(handler_.application_.get(), arguments.data(),
                                                arguments.size(), nullptr));
  if (!body) return end_response(false);
  const bool in_memory = PyList_CheckExact(body.get()) || PyTuple_CheckExact(body.get());
  if (in_memory) return end_response(send(body.get()));
  if (!find_close(body.get())) return end_response(false);
  end_response(send_blocks(body.get()));
  if (close_) call_close();
}

// A list or a tuple: all blocks are here already, and there is nobody to wait for.
bool WsgiTurn::send(PyObject* body) {
  // A copy, since the GIL may be released: the application could still change its list.
  const PyRef blocks =
      PyList_CheckExact(body) ? PyRef::steal(PyList_AsTuple(body)) : PyRef::borrow(body);
  if (!blocks) return false;
  return response_.send_whole(gil_, &PyTuple_GET_ITEM(blocks.get(), 0),
                              static_cast<std::size_t>(PyTuple_GET_SIZE(blocks.get()))) !=
         Sent::failed;
}

bool WsgiTurn::send_blocks(PyObject* iterable) {
  const PyRef iterator = PyRef::steal(PyObject_GetIter(iterable));
  if (!iterator) return false;
  bool only_block = has_one_block(iterable);
  while (const PyRef block = PyRef::steal(PyIter_Next(iterator.get()))) {
    std::optional<std::uint64_t> length;
    if (only_block && PyBytes_Check(block.get())) length = octets_of(block.get()).size();
    const Sent sent = response_.send(gil_, block.get(), length);
    if (sent != Sent::ok) return sent == Sent::gone;
  }
  if (PyErr_Occurred() != nullptr) return false;
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
  const PyRef result = PyRef::steal(PyObject_CallNoArgs(close_.get()));
  if (!result) log_exception();
}

std::string WsgiTurn::label() const {
  std::string text{request_.method};
  text += ' ';
  text += request_.target;
  text += " from ";
  text += request_.client->to_string();
  return text;
}

void WsgiTurn::log_exception() {
  // What write() raises for a client that has gone is no failure of the application.
  if (response_.gone() && PyErr_ExceptionMatches(PyExc_BrokenPipeError) != 0) return PyErr_Clear();
  const PyRef exception = take_exception();
  handler_.log_exception(gil_, label_.empty() ? label() : label_, exception.get());
}

}  // namespace spawning::python
