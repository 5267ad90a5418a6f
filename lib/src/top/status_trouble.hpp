// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What a person is told when there is no status.

#include <string>

#include "spawning/status_client.hpp"

namespace spawning {

/// One line. \param since  "14:03:12"; "" is nothing that one can say.
[[nodiscard]] std::string status_trouble(const StatusUrl& url, const StatusFailure& failure,
                                         const std::string& since = "");

}  // namespace spawning
