// SPDX-License-Identifier: MIT
#include "record/standard_streams.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include "record/log_file.hpp"
#include "spawning/error.hpp"

namespace spawning {
namespace {

// Programs expect that they can write all that they have to say: unlike a log file of ours, what
// they write to may keep them waiting.
UniqueFd open_stream(const std::string& name, const std::string& path,
                     const std::optional<UserIdentity>& owner) {
  if (path.empty()) return {};
  try {
    UniqueFd file = open_log_file(path, owner);
    const int flags = ::fcntl(file.get(), F_GETFL);
    if (flags < 0 || ::fcntl(file.get(), F_SETFL, flags & ~O_NONBLOCK) < 0)
      throw_last_error("fcntl(F_SETFL)");
    return file;
  } catch (const StartupError& error) {
    throw StartupError{name + ": " + error.what()};
  }
}

void place(UniqueFd file, int stream) {
  if (file && ::dup2(file.get(), stream) < 0) throw_last_error("dup2");
}

}  // namespace

StandardStreams::StandardStreams(std::string output, std::string errors)
    : output_{std::move(output)}, errors_{std::move(errors)} {}

void StandardStreams::open(const std::optional<UserIdentity>& owner) {
  UniqueFd output = open_stream("standard output", output_.path, owner);
  errors_.file = open_stream("standard error", errors_.path, owner);
  output_.file = std::move(output);
}

void StandardStreams::use() {
  place(std::move(output_.file), STDOUT_FILENO);
  place(std::move(errors_.file), STDERR_FILENO);
}

}  // namespace spawning
