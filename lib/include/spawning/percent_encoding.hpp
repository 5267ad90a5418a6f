// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Reading the parts of a request target, which are percent-encoded.

#include <optional>
#include <string>
#include <string_view>

#include "spawning/export.hpp"

namespace SPAWNING_EXPORT spawning {

/// Decodes %XX; what is no valid escape stays as it is. Any octet may come out, "/" too: split a path
/// first. \see RFC 3986 §2.1
[[nodiscard]] std::string percent_decoded(std::string_view text);

/// The value of the first parameter of that name in a query such as `q=a+b&lang=de`, or in the body of
/// a form: decoded, "+" too. "" for one without "="; nothing if there is none.
/// \see Request::query, and the URL standard, application/x-www-form-urlencoded
[[nodiscard]] std::optional<std::string> query_parameter(std::string_view query,
                                                         std::string_view name);

}  // namespace spawning
