// SPDX-License-Identifier: MIT
#include "top/key_decoder.hpp"

namespace spawning {

std::string KeyDecoder::letters(std::string_view octets) {
  std::string found;
  for (const char c : octets) {
    switch (within_) {
      case Within::none:
        if (c == '\x1b') {
          within_ = Within::escape;
        } else {
          found += c;
        }
        break;
      case Within::
          escape:  // "[" begins a sequence, "O" a function key; else it was Alt and a letter
        within_ = c == '[' ? Within::sequence : c == 'O' ? Within::function : Within::none;
        break;
      case Within::sequence:
        if (c >= '@' && c <= '~') within_ = Within::none;
        break;
      case Within::function:
        within_ = Within::none;
        break;
    }
  }
  if (within_ == Within::escape) within_ = Within::none;
  return found;
}

}  // namespace spawning
