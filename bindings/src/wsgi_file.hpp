// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What an application returns by `wsgi.file_wrapper`: a file that the kernel can send by itself.

#include <Python.h>

#include <cstdint>
#include <optional>

#include "gil.hpp"
#include "py_ref.hpp"
#include "spawning/unique_fd.hpp"

namespace spawning::python {

/// A part of a regular file: what is left to read of it.
struct WsgiFile {
  UniqueFd descriptor;  ///< a duplicate: the application may close its own at once
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

/// Finds the file behind a `spawning.file_wrapper.FileWrapper`.
///
/// \par Threads  With the GIL held.
/// \see PEP 3333, "Optional Platform-Specific File Handling"
class WsgiFiles {
 public:
  /// If it fails ok() is false and a Python exception is set.
  explicit WsgiFiles(const GilHeld& gil);

  [[nodiscard]] bool ok() const { return wrapper_ && position_; }

  /// What is left of the file, if `body` is a FileWrapper (no subclass, nothing around it) whose
  /// read() gives the very octets of a regular file. Empty for all else, which is to be iterated;
  /// so is a file that seems empty, since those in /proc do. Sets no exception.
  [[nodiscard]] std::optional<WsgiFile> find(const GilHeld& gil, PyObject* body) const;

 private:
  PyRef wrapper_;   // the type
  PyRef position_;  // file_wrapper.file_position()
};

}  // namespace spawning::python
