// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The `start_response` that an application is given, and the `write` that it returns.

#include "recycler.hpp"
#include "wsgi_response.hpp"

namespace spawning::python {

/// Makes `start_response` objects. Each boxes the WsgiResponse of its request; the application may
/// keep and call it after the request, which raises RuntimeError. \see PEP 3333, "The
/// start_response() Callable", "The write() Callable"
class StartResponses : public Recycler<WsgiResponse> {
 public:
  explicit StartResponses(const GilHeld& gil);
};

}  // namespace spawning::python
