// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What logs say of requests on which somebody works.

#include <string>

#include "spawning/exchange.hpp"

namespace spawning {

/// "GET /slow?n=1 from 192.0.2.1:4711, on thread 0x00007f00c0ffee00", the thread as faulthandler
/// names it.
[[nodiscard]] std::string describe(const RunningRequest& request);

/// That nobody will answer it any more.
[[nodiscard]] std::string words_of_loss(const RunningRequest& request);

}  // namespace spawning
