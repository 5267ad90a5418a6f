// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Octets from clients, so that they cannot pass for anything else in a log.

#include <cstddef>
#include <string>
#include <string_view>

namespace spawning {

/// Appends `value` as Apache does: `\"`, `\\`, `\n` and the like, `\xhh` for all other octets that are
/// not printable ASCII; "-" if it is empty.
/// \param longest  more octets of the line are not used, but for the "..." that says so.
void append_text(std::string_view value, std::size_t longest, std::string& line);

/// Appends `value` as a JSON string with its quotes. Valid UTF-8 stays what it is, but for control
/// characters; octets that are none are read as Latin-1, and escaped.
/// \param longest  as above.
void append_json(std::string_view value, std::size_t longest, std::string& line);

}  // namespace spawning
