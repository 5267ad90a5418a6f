// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Opening files that lines are appended to.

#include <optional>
#include <string>

#include "spawning/unique_fd.hpp"
#include "spawning/user_identity.hpp"

namespace spawning {

/// Opens `path` for appending, and creates it if need be, with the permissions that the umask leaves
/// of 0666. Nobody ever waits for what it leads to: it is non-blocking.
/// \param owner  to whom it is given if it is created; otherwise it is this process's.
/// \throws StartupError that names it and says why it cannot be opened.
[[nodiscard]] UniqueFd open_log_file(const std::string& path,
                                     const std::optional<UserIdentity>& owner = std::nullopt);

}  // namespace spawning
