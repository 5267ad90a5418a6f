// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Whom a process acts for.

#include <sys/types.h>

#include <string>
#include <vector>

#include "spawning/export.hpp"

namespace SPAWNING_EXPORT spawning {

/// A user with the groups that a process of theirs has. A value.
struct UserIdentity {
  uid_t user = 0;
  gid_t group = 0;
  std::vector<gid_t> groups{};  ///< supplementary ones, `group` included
  std::string name{};           ///< "" if there is only a number
  std::string home{};           ///< the home directory; "" as above

  /// Looks up "USER" or "USER:GROUP", by names or numbers. Without GROUP it is the user's own. The
  /// supplementary groups are the user's; a number that belongs to no user has none, and needs GROUP.
  /// \throws StartupError that says who is unknown, or what was expected.
  [[nodiscard]] static UserIdentity find(const std::string& text);

  /// Whether this process acts for them already, and for nobody else.
  [[nodiscard]] bool is_current() const;

  /// Makes this process, with all its threads, act for them, and makes sure that there is no way
  /// back. Does nothing if is_current().
  /// \throws StartupError if that may not be, or if root's rights could be had back. This process is
  ///         of no use any more then.
  /// \see credentials(7)
  void assume() const;

  /// \throws StartupError as assume() would for anybody but root.
  void require_permission() const;

  /// "HOME=…", "USER=…", "LOGNAME=…" of a user who has them: what a login of theirs would have.
  [[nodiscard]] std::vector<std::string> environment() const;
};

}  // namespace spawning
