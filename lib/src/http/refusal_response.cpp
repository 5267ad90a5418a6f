// SPDX-License-Identifier: MIT
#include "http/refusal_response.hpp"

#include "http/status_line.hpp"

namespace spawning {

std::string status_body(unsigned status) {
  return std::to_string(status).append(" ").append(usual_phrase(status)) + "\n";
}

void append_refusal(const Refusal& refusal, ResponseContext context, std::string_view date,
                    std::string& out) {
  constexpr Header kHeaders[] = {{"Content-Type", "text/plain"}};
  const std::string body = status_body(refusal.status);
  context.keep_alive = false;
  ResponseEncoder encoder;
  encoder.start(context, {.status = refusal.status, .reason = {}, .headers = kHeaders}, body.size(),
                date, out);
  out += encoder.frame(body).block;
}

}  // namespace spawning
