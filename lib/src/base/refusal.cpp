// SPDX-License-Identifier: MIT
#include "spawning/refusal.hpp"

#include <array>

namespace spawning {

std::string_view to_string(RefusalReason reason) {
  static constexpr std::array<std::string_view, kRefusalReasons> kNames{
      "request_line", "version",           "method",          "header",      "host",
      "framing",      "transfer_coding",   "chunk",           "expectation", "header_name",
      "proxy_header", "request_line_size", "header_size",     "body_size",   "header_timeout",
      "body_timeout", "queue_timeout",     "request_timeout", "storage"};
  return kNames[static_cast<std::size_t>(reason)];
}

}  // namespace spawning
