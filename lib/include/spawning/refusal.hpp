// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Why requests are refused, in the classes that are counted.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "spawning/export.hpp"

namespace SPAWNING_EXPORT spawning {

/// Why the connection answered a request by itself.
enum class RefusalReason : std::uint8_t {
  request_line,       ///< 400: malformed method, target or line
  version,            ///< 505
  method,             ///< 501: a method that no application sees
  header,             ///< 400: a malformed field line
  host,               ///< 400: missing, repeated or malformed Host
  misdirected,        ///< 421: a target of https, over plain HTTP from somebody not trusted
  framing,            ///< 400: Content-Length or Transfer-Encoding that could be misread
  transfer_coding,    ///< 501
  chunk,              ///< 400: malformed chunk or trailer
  expectation,        ///< 417
  header_name,        ///< 400: an underscore, under HeaderMap::refuse
  proxy_header,       ///< 400: PROXY protocol missing, malformed, or from somebody not trusted
  request_line_size,  ///< 414
  header_size,        ///< 431
  body_size,          ///< 413
  header_timeout,     ///< 408
  body_timeout,       ///< 408: too slow, or below the least rate
  queue_timeout,      ///< 503: waited too long for a thread
  request_timeout,    ///< 503: the handler took too long
  storage,            ///< 507: the body could not be spooled
};
inline constexpr std::size_t kRefusalReasons = static_cast<std::size_t>(RefusalReason::storage) + 1;

/// "request_line": the enumerator's name, as in metrics. A constant.
[[nodiscard]] std::string_view to_string(RefusalReason reason);

/// The status that a request refused for `reason` is answered with: 400, say.
[[nodiscard]] unsigned status_of(RefusalReason reason);

}  // namespace spawning
