// SPDX-License-Identifier: MIT
#include "watch/debounce.hpp"

#include <algorithm>

namespace spawning {

void Debounce::change(Time now) {
  if (!first_) first_ = now;
  last_ = now;
}

std::optional<Debounce::Time> Debounce::deadline() const {
  if (!first_) return std::nullopt;
  return std::min(*last_ + quiet_, *first_ + longest_wait_);
}

bool Debounce::due(Time now) {
  if (!first_ || now < *deadline()) return false;
  first_.reset();
  last_.reset();
  return true;
}

}  // namespace spawning
