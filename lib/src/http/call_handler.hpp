// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The one place where an exception out of a Handler ends.

#include "spawning/handler.hpp"
#include "spawning/log.hpp"

namespace spawning {

/// Calls `handler`. An exception becomes one log line with method, path and peer; the Responder,
/// lost on the way, has answered 500 or broken the response off by then.
void call_handler(Handler& handler, const Request& request, Responder responder, const Log& log);

}  // namespace spawning
