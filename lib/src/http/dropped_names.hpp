// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Which names of dropped fields have been told of.

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <string_view>

namespace spawning {

/// Says of each name of a dropped field once, without regard to case, that it is new, so that a log
/// warns of it once and not with every request.
///
/// Clients choose the names, so it remembers the first 64 only, and 64 octets of each: names that
/// differ later are the same, and once it is full none is new any more.
///
/// \par Threads  None of its own.
class DroppedNames {
 public:
  static constexpr std::size_t kMostNames = 64;
  static constexpr std::size_t kMostOctets = 64;

  /// Whether nobody has been told of `name` yet. Remembers it.
  [[nodiscard]] bool is_new(std::string_view name);

 private:
  std::set<std::string, std::less<>> names_;  // in lower case
};

}  // namespace spawning
