// SPDX-License-Identifier: MIT
#include "base/processor_time.hpp"

#include <unistd.h>

#include <ctime>
#include <fstream>
#include <sstream>
#include <string>

namespace spawning {

// The second field is the program's name in parentheses, which may contain both of these and
// blanks; utime and stime are the 14th and the 15th.
std::optional<std::chrono::milliseconds> processor_time_of(pid_t process,
                                                           const std::filesystem::path& proc) {
  constexpr int kFieldsBetween = 11;
  std::ifstream file{proc / std::to_string(process) / "stat"};
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields{line.substr(name_end + 1)};
  std::string skipped;
  for (int i = 0; i < kFieldsBetween; ++i) fields >> skipped;
  std::int64_t user = 0, system = 0;
  const long ticks_per_second = ::sysconf(_SC_CLK_TCK);
  if (!(fields >> user >> system) || ticks_per_second <= 0) return std::nullopt;
  return std::chrono::milliseconds{(user + system) * 1000 / ticks_per_second};
}

std::chrono::nanoseconds own_processor_time() {
  timespec used{};
  if (::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) != 0) return {};
  return std::chrono::seconds{used.tv_sec} + std::chrono::nanoseconds{used.tv_nsec};
}

}  // namespace spawning
