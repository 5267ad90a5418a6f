// SPDX-License-Identifier: MIT
#include "spawning/capacity.hpp"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <thread>
#include <vector>

namespace spawning {
namespace {

namespace fs = std::filesystem;

constexpr double kFew = 0.01;  // of a processor: what rounding may have added to a quota

// The first word of a file that is a number.
std::optional<double> number_in(const fs::path& file) {
  std::ifstream stream{file};
  double number = 0;
  if (!(stream >> number)) return std::nullopt;  // also "max"
  return number;
}

// By controller the path of our group; "" is version 2.
std::map<std::string, std::string> groups_of(const fs::path& root) {
  std::map<std::string, std::string> groups;
  std::ifstream file{root / "proc/self/cgroup"};
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == line.npos ? first : line.find(':', first + 1);
    if (second == line.npos) continue;
    std::istringstream controllers{line.substr(first + 1, second - first - 1) + ","};
    for (std::string each; std::getline(controllers, each, ',');)
      groups[each] = line.substr(second + 1);
  }
  return groups;
}

// The group and all above it: a limit holds for all below it. In a container our group may have
// another name than we see; then the one that we see counts.
std::vector<fs::path> way_up(const fs::path& mount, const std::string& path) {
  std::vector<fs::path> groups;
  fs::path below = fs::path{path}.relative_path();
  if (std::ranges::find(below, "..") != below.end()) below.clear();  // above what we may see
  for (; !below.empty(); below = below.parent_path()) groups.push_back(mount / below);
  groups.push_back(mount);
  return groups;
}

struct Limits {
  std::optional<double> processors, memory;

  void take_processors(std::optional<double> quota, std::optional<double> period) {
    if (!quota || !period || *quota <= 0 || *period <= 0) return;
    processors = std::min(processors.value_or(*quota / *period), *quota / *period);
  }
  void take_memory(std::optional<double> octets) {
    if (octets) memory = std::min(memory.value_or(*octets), *octets);
  }
};

void take_version_2(Limits& limits, const fs::path& group) {
  std::ifstream file{group / "cpu.max"};
  double quota = 0, period = 0;
  if (file >> quota >> period) limits.take_processors(quota, period);
  limits.take_memory(number_in(group / "memory.max"));
}

Limits limits_of_groups(const fs::path& root) {
  Limits limits;
  const auto groups = groups_of(root);
  const fs::path mounts = root / "sys/fs/cgroup";
  const auto path = [&groups](const char* controller) {
    const auto found = groups.find(controller);
    return found == groups.end() ? std::string{"/"} : found->second;
  };
  if (!groups.contains("cpu") && !groups.contains("memory")) {
    for (const fs::path& group : way_up(mounts, path(""))) take_version_2(limits, group);
    return limits;
  }
  for (const fs::path& group : way_up(mounts / "cpu", path("cpu")))
    limits.take_processors(number_in(group / "cpu.cfs_quota_us"),
                           number_in(group / "cpu.cfs_period_us"));
  for (const fs::path& group : way_up(mounts / "memory", path("memory")))
    limits.take_memory(number_in(group / "memory.limit_in_bytes"));
  return limits;
}

std::optional<double> available_memory(const fs::path& root) {
  std::ifstream file{root / "proc/meminfo"};
  for (std::string line; std::getline(file, line);) {
    std::istringstream words{line};
    std::string name;
    double kibibytes = 0;
    if (words >> name >> kibibytes && name == "MemAvailable:") return kibibytes * 1024;
  }
  return std::nullopt;
}

std::string counted(unsigned number, const std::string& what) {
  return std::to_string(number) + " " + what + (number == 1 ? "" : "s");
}

std::string mebibytes(double octets) {
  return std::to_string(static_cast<std::uint64_t>(octets) >> 20) + " MiB";
}

}  // namespace

Capacity capacity(unsigned affinity, const fs::path& root) {
  const Limits limits = limits_of_groups(root);
  const unsigned processors = std::max(1U, affinity);
  Capacity found{processors, counted(processors, "processor")};
  if (limits.processors && *limits.processors < processors) {
    found.workers = static_cast<unsigned>(std::max(1.0, std::ceil(*limits.processors - kFew)));
    found.reason = "the control group's quota is " + counted(found.workers, "processor") + " of " +
                   std::to_string(processors);
  }
  const auto available = available_memory(root);
  const bool group_decides = limits.memory && (!available || *limits.memory <= *available);
  const auto memory = group_decides ? limits.memory : available;
  const auto each = static_cast<double>(kMemoryOfWorker.count);
  if (!memory || *memory / each >= found.workers) return found;
  found.workers = std::max(1U, static_cast<unsigned>(*memory / each));
  found.reason =
      mebibytes(*memory) +
      (group_decides ? " is the control group's limit of memory" : " of memory is available") +
      ", and a worker is taken to need " + mebibytes(each);
  return found;
}

unsigned affine_processors() {
  constexpr int kMost = 1 << 16;  // processors
  for (int size = CPU_SETSIZE; size <= kMost; size *= 2) {
    std::vector<cpu_set_t> set(static_cast<std::size_t>(size) / CPU_SETSIZE);
    const std::size_t octets = set.size() * sizeof(cpu_set_t);
    if (::sched_getaffinity(0, octets, set.data()) == 0)
      return static_cast<unsigned>(CPU_COUNT_S(octets, set.data()));
  }
  return std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace spawning
