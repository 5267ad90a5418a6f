// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What a client gets whose request is not served.

#include <string>
#include <string_view>

#include "http/request_parser.hpp"
#include "http/response_encoder.hpp"

namespace spawning {

/// The body of an answer that the server gives by itself: "400 Bad Request\n". Says nothing of the
/// rule that was broken, which is for the log.
[[nodiscard]] std::string status_body(unsigned status);

/// Appends the whole answer to a refused request: head and status_body() as text/plain, with
/// `Connection: close` whatever the context says. \param date  as for ResponseEncoder::start.
void append_refusal(const Refusal& refusal, ResponseContext context, std::string_view date,
                    std::string& out);

}  // namespace spawning
