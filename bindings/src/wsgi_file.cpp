// SPDX-License-Identifier: MIT
#include "wsgi_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <utility>

#include "file_wrapper.hpp"

namespace spawning::python {
namespace {

// Some files are regular in name only (sysfs): their sizes are not true, and sendfile(2) fails.
bool can_be_mapped(int fd) {
  void* const page = ::mmap(nullptr, 1, PROT_READ, MAP_SHARED, fd, 0);
  if (page == MAP_FAILED) return false;
  ::munmap(page, 1);
  return true;
}

std::optional<WsgiFile> rest_of(int fd, std::int64_t position) {
  WsgiFile file{UniqueFd{::fcntl(fd, F_DUPFD_CLOEXEC, 3)}};
  struct stat status {};
  if (!file.descriptor || ::fstat(file.descriptor.get(), &status) != 0) return std::nullopt;
  if (!S_ISREG(status.st_mode) || position < 0 || position >= status.st_size) return std::nullopt;
  if (!can_be_mapped(file.descriptor.get())) return std::nullopt;
  file.offset = static_cast<std::uint64_t>(position);
  file.length = static_cast<std::uint64_t>(status.st_size - position);
  return file;
}

}  // namespace

WsgiFiles::WsgiFiles(const GilHeld& gil) {
  const PyRef module = file_wrapper_module(gil);
  if (!module) return;
  wrapper_ = PyRef::steal(PyObject_GetAttrString(module.get(), "FileWrapper"));
  if (!wrapper_) return;
  position_ = PyRef::steal(PyObject_GetAttrString(module.get(), "file_position"));
}

std::optional<WsgiFile> WsgiFiles::find(const GilHeld&, PyObject* body) const {
  if (reinterpret_cast<PyObject*>(Py_TYPE(body)) != wrapper_.get()) return std::nullopt;
  const PyRef found = PyRef::steal(PyObject_CallFunctionObjArgs(position_.get(), body, nullptr));
  int fd = -1;
  long long position = -1;
  if (!found || found.get() == Py_None ||
      PyArg_ParseTuple(found.get(), "iL", &fd, &position) == 0) {
    PyErr_Clear();
    return std::nullopt;
  }
  return rest_of(fd, position);
}

}  // namespace spawning::python
