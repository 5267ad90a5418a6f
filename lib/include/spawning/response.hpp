// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The head of a response, as its author states it.

#include <string_view>

#include "spawning/export.hpp"
#include "spawning/headers.hpp"

namespace SPAWNING_EXPORT spawning {

/// Status and header fields. Framing is not the author's business: the connection adds Date,
/// Connection and, where no Content-Length is given, Content-Length or Transfer-Encoding as RFC
/// 9112 §6 asks.
///
/// \par Lifetime  Views; they are copied before the call that takes the head returns.
struct ResponseHead {
  unsigned status = 200;      ///< 200–599
  std::string_view reason{};  ///< empty: the usual phrase for `status`
  Headers headers{};
};

}  // namespace spawning
