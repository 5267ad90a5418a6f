// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Files in the place of standard output and standard error.

#include <optional>
#include <string>

#include "spawning/unique_fd.hpp"
#include "spawning/user_identity.hpp"

namespace spawning {

/// Two files, either of which may be missing, that become this process's standard output and error.
///
/// Opening and using them are two steps: the files may have to be opened while this process still has
/// the right to, and used when nobody listens to the old streams any more.
///
/// \par Threads  One at a time; who writes to the streams meanwhile writes to the old or the new one.
class StandardStreams {
 public:
  /// \param output, errors  paths; "": that stream stays as it is.
  StandardStreams(std::string output, std::string errors);

  [[nodiscard]] bool output() const { return !output_.path.empty(); }
  [[nodiscard]] bool errors() const { return !errors_.path.empty(); }
  [[nodiscard]] bool any() const { return output() || errors(); }

  /// Opens both for appending, anew if they were open; creates those that are missing.
  /// \param owner  of those that are created. \see open_log_file
  /// \throws StartupError that names the file; then neither is changed.
  void open(const std::optional<UserIdentity>& owner = std::nullopt);

  /// Makes what open() has opened the standard streams. \throws std::system_error
  void use();

 private:
  struct Stream {
    std::string path;
    UniqueFd file{};
  };

  Stream output_, errors_;
};

}  // namespace spawning
