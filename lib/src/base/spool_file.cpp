// SPDX-License-Identifier: MIT
#include "base/spool_file.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "spawning/error.hpp"

namespace spawning {
namespace {

// Read while nothing else runs: getenv(3) is not safe beside a setenv(3) in an application's
// thread.
const char* const kTemporaryDirectory = ::secure_getenv("TMPDIR");

}  // namespace

UniqueFd open_spool_file(std::span<const char* const> directories) {
  for (const char* const directory : directories) {
    if (directory == nullptr || *directory == '\0') continue;
    // Any failure (no such directory, no right, no O_TMPFILE there) means the next one.
    UniqueFd file{::open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};
    if (file) return file;
  }
  UniqueFd memory{::memfd_create("spawning-spool", MFD_CLOEXEC)};
  if (!memory) throw_last_error("memfd_create");
  return memory;
}

UniqueFd open_spool_file() {
  const char* const directories[] = {kTemporaryDirectory, "/tmp", "/var/tmp"};
  return open_spool_file(directories);
}

}  // namespace spawning
