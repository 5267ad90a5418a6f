// SPDX-License-Identifier: MIT
#include "base/in_seconds.hpp"

#include <array>
#include <cstdio>

namespace spawning {

std::string in_seconds(std::chrono::steady_clock::duration time) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f s", std::chrono::duration<double>{time}.count());
  return text.data();
}

}  // namespace spawning
