// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The manual page.

#include <string>

namespace spawning::cli {

/// spawn(1), for man(7).
[[nodiscard]] std::string manual_page();

}  // namespace spawning::cli
