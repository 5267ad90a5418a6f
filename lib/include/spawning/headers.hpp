// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Header fields as views. RFC 9110 §5.

#include <span>
#include <string_view>

#include "spawning/export.hpp"

namespace SPAWNING_EXPORT spawning {

/// A field line: a name as it was written (compare without regard to case) and a value without the
/// white space around it. Views: whoever hands one out says how long the octets live.
struct Header {
  std::string_view name;
  std::string_view value;
};

using Headers = std::span<const Header>;

/// Whether two ASCII texts are equal without regard to case.
[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b);

/// The first field with that name, or nullptr.
[[nodiscard]] const Header* find_header(Headers headers, std::string_view name);

}  // namespace spawning
