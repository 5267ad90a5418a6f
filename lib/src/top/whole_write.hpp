// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Writing to whatever descriptor this process was given.

#include <string_view>
#include <system_error>

namespace spawning {

/// Writes all of `text`, also if the descriptor does not block, or signals come.
[[nodiscard]] std::error_code whole_write(int fd, std::string_view text);

}  // namespace spawning
