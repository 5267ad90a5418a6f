// SPDX-License-Identifier: MIT
#include "nearest.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

namespace spawning::cli {
namespace {

constexpr std::size_t kLongest = 64;  // no name of ours is longer
constexpr std::size_t kLettersAMistake = 3;

// "Optimal string alignment".
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before, last, now(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) now[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before = std::move(last);
    last = now;
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, changed});
      const bool exchanged = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (exchanged) now[j] = std::min(now[j], before[j - 2] + 1);
    }
  }
  return now.back();
}

}  // namespace

std::string nearest(const std::string& typed, std::span<const std::string> names) {
  if (typed.empty() || typed.size() > kLongest) return "";
  const auto begins = [&typed](const std::string& name) { return name.starts_with(typed); };
  if (std::ranges::count_if(names, begins) == 1) return *std::ranges::find_if(names, begins);
  std::size_t least = std::max<std::size_t>(1, typed.size() / kLettersAMistake) + 1;
  std::string found;
  for (const std::string& name : names) {
    const std::size_t mistakes = distance(typed, name);
    if (mistakes >= least || mistakes >= name.size()) continue;
    least = mistakes;
    found = name;
  }
  return found;
}

}  // namespace spawning::cli
