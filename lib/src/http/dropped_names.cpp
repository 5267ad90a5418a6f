// SPDX-License-Identifier: MIT
#include "http/dropped_names.hpp"

namespace spawning {

bool DroppedNames::is_new(std::string_view name) {
  if (names_.size() == kMostNames) return false;
  std::string lower{name.substr(0, kMostOctets)};
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return names_.insert(std::move(lower)).second;
}

}  // namespace spawning
