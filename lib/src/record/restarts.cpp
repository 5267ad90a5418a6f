// SPDX-License-Identifier: MIT
#include "spawning/restarts.hpp"

#include <utility>

namespace spawning {

void Restarts::add(Restart restart) {
  ++counts[restart.reason];
  add_failed_start(std::move(restart));
}

void Restarts::add_failed_start(Restart restart) {
  if (latest.size() == kMost) latest.pop_front();
  latest.push_back(std::move(restart));
}

}  // namespace spawning
