// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// One element of `Forwarded` and of `X-Forwarded-For`. RFC 7239 §4–6.

#include <cstdint>
#include <string_view>

#include "spawning/ip_address.hpp"

namespace spawning {

/// Whom a proxy names.
struct ForwardedNode {
  enum class Kind : std::uint8_t {
    address,
    hidden,  ///< "unknown", "_anything", or nobody
    malformed,
  };

  Kind kind = Kind::hidden;
  IpAddress address;
  std::uint16_t port = 0;  ///< 0 if none is stated, or it is hidden

  /// "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]", "[2001:db8::1]:80", "unknown", "_hidden", and,
  /// as X-Forwarded-For has it, "2001:db8::1".
  [[nodiscard]] static ForwardedNode parse_x_forwarded_for(std::string_view text);

  /// As parse_x_forwarded_for(), but IPv6 addresses need their brackets.
  [[nodiscard]] static ForwardedNode parse(std::string_view text);
};

/// What one proxy says in `Forwarded`. Views; "" for what it does not say.
struct ForwardedElement {
  std::string_view node;  ///< `for`
  std::string_view proto;
  std::string_view host;

  /// \param text  between two commas, without blanks around it.
  /// \returns false if it is malformed: not `name=value` pairs between semicolons, or one of RFC
  ///          7239's four parameters twice, empty, or with an escape, which none of them needs.
  [[nodiscard]] bool parse(std::string_view text);

 private:
  bool store(std::string_view name, std::string_view value, bool escapes);

  std::string_view by_;  // of no use to us
};

}  // namespace spawning
