// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Python objects that are used again for the next request when the application has let go of them.

#include <Python.h>
#include <structmember.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "gil.hpp"
#include "py_ref.hpp"

namespace spawning::python {

/// What a Python object of ours begins with; `call` is for types that can be called.
struct PyBoxHead {
  PyObject ob_base;
  vectorcallfunc call;
};

/// A Python object around a C++ value.
template <class Value>
struct PyBox {
  PyBoxHead head;
  Value value;
};

/// The value in an object made by a Recycler.
template <class Value>
[[nodiscard]] Value& unbox(PyObject* object) {
  return reinterpret_cast<PyBox<Value>*>(object)->value;
}

/// Owns a Python type whose instances box a `Value`, and its unused instances.
///
/// An instance that the application keeps after its request is left to it and never used again. The
/// type cannot be instantiated from Python, nor subclassed.
///
/// \par Threads  With the GIL held.
template <class Value>
class Recycler {
 public:
  /// \param name   "spawning._native.Input"; a literal.
  /// \param slots  methods and the like; ends before its terminator, which is added here.
  /// \param call   what calling an instance does, or nullptr.
  /// Null `type()` and a Python exception if the type cannot be made.
  Recycler(const GilHeld&, const char* name, std::vector<PyType_Slot> slots,
           vectorcallfunc call = nullptr)
      : call_{call} {
    slots.push_back({Py_tp_dealloc, reinterpret_cast<void*>(&Recycler::destroy)});
    slots.push_back({Py_tp_new, reinterpret_cast<void*>(&Recycler::refuse)});
    if (call != nullptr) {
      slots.push_back({Py_tp_call, reinterpret_cast<void*>(&PyVectorcall_Call)});
      slots.push_back({Py_tp_members, members_});
    }
    slots.push_back({0, nullptr});
    const auto flags = Py_TPFLAGS_DEFAULT | (call != nullptr ? Py_TPFLAGS_HAVE_VECTORCALL : 0UL);
    PyType_Spec spec{name, static_cast<int>(sizeof(PyBox<Value>)), 0, static_cast<unsigned>(flags),
                     slots.data()};
    type_ = PyRef::steal(PyType_FromSpec(&spec));
  }

  [[nodiscard]] PyObject* type() const { return type_.get(); }

  /// An instance in its initial state. Null with an exception set if there is no memory.
  [[nodiscard]] PyRef take(const GilHeld&) {
    if (!unused_.empty()) {
      PyRef object = std::move(unused_.back());
      unused_.pop_back();
      return object;
    }
    auto* type = reinterpret_cast<PyTypeObject*>(type_.get());
    PyObject* object = PyType_GenericAlloc(type, 0);
    if (object == nullptr) return {};
    auto* box = reinterpret_cast<PyBox<Value>*>(object);
    box->head.call = call_;
    std::construct_at(&box->value);
    return PyRef::steal(object);
  }

  /// Keeps an instance, in its initial state again, for the next take() if nobody else refers to
  /// it.
  void give_back(const GilHeld&, PyRef object) {
    if (Py_REFCNT(object.get()) == 1 && unused_.size() < kMostUnused)
      unused_.push_back(std::move(object));
  }

 private:
  // More than any sensible number of threads: each has at most one request.
  static constexpr std::size_t kMostUnused = 128;

  static void destroy(PyObject* object) {
    auto* type = Py_TYPE(object);
    std::destroy_at(&unbox<Value>(object));
    type->tp_free(object);
    Py_DECREF(type);
  }

  static PyObject* refuse(PyTypeObject* type, PyObject*, PyObject*) {
    PyErr_Format(PyExc_TypeError, "cannot create '%.200s' objects", type->tp_name);
    return nullptr;
  }

  vectorcallfunc call_;
  PyMemberDef members_[2] = {
      {"__vectorcalloffset__", T_PYSSIZET, offsetof(PyBoxHead, call), READONLY, nullptr},
      {nullptr, 0, 0, 0, nullptr}};
  PyRef type_;
  std::vector<PyRef> unused_;
};

}  // namespace spawning::python
