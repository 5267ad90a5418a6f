// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The four forms of a request target. RFC 9112 §3.2.

#include <string_view>

namespace spawning {

/// The parts of a request target. Views into the target, or constants.
struct RequestTarget {
  std::string_view path;    ///< "*" for the asterisk-form, "/" for an absolute-form without a path
  std::string_view query;   ///< without the "?"
  std::string_view host;    ///< the authority of an absolute-form, else ""
  std::string_view scheme;  ///< of an absolute-form, "http" or "https", else ""
};

/// Splits `target`, whose octets are octets::is_in_target(). Returns the rule it breaks; "" if
/// none.
///
/// Takes the origin-form, the absolute-form of http and https, and `*` for OPTIONS. User
/// information in an authority is refused (RFC 9110 §4.2.4), and so is the authority-form, which
/// belongs to CONNECT. In the path "%" has to be followed by two hexadecimal digits and %00 is
/// refused: readers that decode them differ in what they make of the rest (RFC 3986 §2.1, §7.3).
/// A query is the application's to decode and is taken as it is.
[[nodiscard]] std::string_view split_target(std::string_view method, std::string_view target,
                                            RequestTarget& parts);

/// Whether `text` is `uri-host [":" port]` with a host that is not empty: a name, an IPv4 address
/// or a bracketed IPv6 address without a zone, and a port up to 65535.
/// \see RFC 9110 §7.2, RFC 3986 §3.2.2
[[nodiscard]] bool is_authority(std::string_view text);

}  // namespace spawning
