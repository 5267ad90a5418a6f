// SPDX-License-Identifier: MIT
#include "supervise/plans.hpp"

#include <iterator>
#include <utility>

namespace spawning {

void Plans::begin(std::uint64_t generation, Plan plan) {
  plans_[generation] = std::move(plan);
  if (plans_.size() > kMost) plans_.erase(std::next(plans_.begin()));
}

void Plans::serving(std::uint64_t generation) {
  const auto next = plans_.upper_bound(generation);
  if (next != plans_.begin()) plans_.erase(plans_.begin(), std::prev(next));
}

const Plans::Plan& Plans::of(std::uint64_t generation) const {
  const auto next = plans_.upper_bound(generation);
  return next == plans_.begin() ? current() : std::prev(next)->second;
}

}  // namespace spawning
