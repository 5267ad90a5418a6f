// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The keys under which header fields stand in an environ.

#include <Python.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "py_ref.hpp"

namespace spawning::python {

/// Where a header field goes.
struct HeaderKey {
  enum class Kind : std::uint8_t {
    field,    ///< under `key`; repeated ones are joined with ","
    cookie,   ///< as `field`, joined with "; "
    length,   ///< Content-Length and Transfer-Encoding: there is a body
    dropped,  ///< nowhere
  };

  Kind kind = Kind::field;
  PyRef key;  ///< `HTTP_ACCEPT_LANGUAGE`, interned
};

/// Maps header names, in whatever case they were sent, to keys, and remembers them.
///
/// The usual names are there from the start and the memory is bounded, so that a client that
/// invents names costs no more than making their keys anew.
///
/// \par Threads  With the GIL held.
class HeaderNames {
 public:
  /// Makes the usual names. False with an exception set if there is no memory.
  [[nodiscard]] bool prepare();

  /// The key for a name, or nullptr with an exception set. It lives until the next call.
  [[nodiscard]] const HeaderKey* find(std::string_view name);

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };

  std::unordered_map<std::string, HeaderKey, Hash, std::equal_to<>> known_;
  HeaderKey unknown_;
};

}  // namespace spawning::python
