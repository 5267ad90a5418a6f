// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Where the workers of a service put together what they have measured.

#include <string>

namespace spawning::cli {

/// A directory for `--coverage`, removed with everything in it once the service has ended.
///
/// Only its name is chosen here, below $TMPDIR. The first worker makes it, as the user who the workers
/// run as; so nothing is there to be left behind before there is somebody to remove it. A supervisor
/// that executes itself anew goes on with the same one, whose name is in the environment meanwhile.
///
/// \par Threads   While it is constructed no other thread may look at the environment.
/// \par Lifetime  It outlives the workers.
class CoverageDirectory {
 public:
  /// What the environment calls it; not for workers to know.
  static constexpr const char* kVariable = "SPAWNING_COVERAGE_DIRECTORY";

  /// \param goes_on  whether this process has had one, in the program before this one.
  /// \throws StartupError if there is no directory for temporary files.
  explicit CoverageDirectory(bool goes_on);
  ~CoverageDirectory();

  CoverageDirectory(const CoverageDirectory&) = delete;
  CoverageDirectory& operator=(const CoverageDirectory&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace spawning::cli
