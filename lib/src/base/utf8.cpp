// SPDX-License-Identifier: MIT
#include "base/utf8.hpp"

#include <cstddef>
#include <cstdint>

namespace spawning {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

std::uint8_t octet_at(std::string_view octets, std::size_t index) {
  return index < octets.size() ? static_cast<std::uint8_t>(octets[index]) : 0;
}

bool within(std::uint8_t octet, std::uint8_t first, std::uint8_t last) {
  return octet >= first && octet <= last;
}

}  // namespace

std::size_t utf8_sequence_length(std::string_view octets) {
  const std::uint8_t first = octet_at(octets, 0), second = octet_at(octets, 1);
  if (first < 0x80) return 1;
  std::size_t length = 0;
  if (within(first, 0xc2, 0xdf) && within(second, 0x80, 0xbf)) {
    length = 2;
  } else if (within(first, 0xe0, 0xef)) {
    const std::uint8_t low = first == 0xe0 ? 0xa0 : 0x80, high = first == 0xed ? 0x9f : 0xbf;
    length = within(second, low, high) ? 3 : 0;
  } else if (within(first, 0xf0, 0xf4)) {
    const std::uint8_t low = first == 0xf0 ? 0x90 : 0x80, high = first == 0xf4 ? 0x8f : 0xbf;
    length = within(second, low, high) ? 4 : 0;
  }
  for (std::size_t i = 2; i < length; ++i) {
    if (!within(octet_at(octets, i), 0x80, 0xbf)) return 0;
  }
  return length;
}

std::string valid_utf8(std::string_view octets) {
  std::string text;
  text.reserve(octets.size());
  while (!octets.empty()) {
    const std::size_t length = utf8_sequence_length(octets);
    text += length == 0 ? kReplacement : octets.substr(0, length);
    octets.remove_prefix(length == 0 ? 1 : length);
  }
  return text;
}

}  // namespace spawning
