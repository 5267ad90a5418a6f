// SPDX-License-Identifier: MIT
#include "spawning/refusal.hpp"

#include <array>

namespace spawning {
namespace {

struct Row {
  std::string_view name;
  unsigned status;
};

// In the order of the enumerators.
constexpr std::array<Row, kRefusalReasons> kRows{{{"request_line", 400},
                                                  {"version", 505},
                                                  {"method", 501},
                                                  {"header", 400},
                                                  {"host", 400},
                                                  {"misdirected", 421},
                                                  {"framing", 400},
                                                  {"transfer_coding", 501},
                                                  {"chunk", 400},
                                                  {"expectation", 417},
                                                  {"header_name", 400},
                                                  {"proxy_header", 400},
                                                  {"request_line_size", 414},
                                                  {"header_size", 431},
                                                  {"body_size", 413},
                                                  {"header_timeout", 408},
                                                  {"body_timeout", 408},
                                                  {"queue_timeout", 503},
                                                  {"request_timeout", 503},
                                                  {"storage", 507}}};

}  // namespace

std::string_view to_string(RefusalReason reason) {
  return kRows[static_cast<std::size_t>(reason)].name;
}

unsigned status_of(RefusalReason reason) { return kRows[static_cast<std::size_t>(reason)].status; }

}  // namespace spawning
