// SPDX-License-Identifier: MIT
#include "base/memory_usage.hpp"

#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <limits>
#include <string>

namespace spawning {
namespace {

std::optional<Bytes> proportional(const std::filesystem::path& process) {
  std::ifstream rollup{process / "smaps_rollup"};
  for (std::string name; rollup >> name;) {
    std::uint64_t kibibytes = 0;
    if (name == "Pss:" && rollup >> kibibytes) return Bytes{kibibytes << 10};
    rollup.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return std::nullopt;
}

std::optional<Bytes> resident(const std::filesystem::path& process) {
  std::ifstream statm{process / "statm"};
  std::uint64_t size = 0, pages = 0;
  if (!(statm >> size >> pages)) return std::nullopt;
  return Bytes{pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))};
}

}  // namespace

std::optional<Bytes> memory_of(pid_t process, const std::filesystem::path& proc) {
  const std::filesystem::path directory = proc / std::to_string(process);
  const auto memory = proportional(directory);
  return memory ? memory : resident(directory);
}

}  // namespace spawning
