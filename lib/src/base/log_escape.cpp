// SPDX-License-Identifier: MIT
#include "base/log_escape.hpp"

#include "base/utf8.hpp"

namespace spawning {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kCut = "...";

unsigned char octet_of(char c) { return static_cast<unsigned char>(c); }

bool is_plain(char c) { return octet_of(c) >= 0x20 && octet_of(c) < 0x7f && c != '"' && c != '\\'; }

// How many octets from the start of `text` stay what they are.
std::size_t plain_prefix(std::string_view text) {
  std::size_t length = 0;
  while (length < text.size() && is_plain(text[length])) ++length;
  return length;
}

// The letter behind the backslash, or 0 if the octet has none.
char letter_of(char c, bool json) {
  switch (c) {
    case '"':
    case '\\':
      return c;
    case '\b':
      return 'b';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    case '\v':
      return json ? '\0' : 'v';
    case '\f':
      return json ? 'f' : '\0';
    default:
      return '\0';
  }
}

void escape(char c, bool json, std::string& line) {
  line += '\\';
  if (const char letter = letter_of(c, json)) {
    line += letter;
    return;
  }
  line += json ? "u00" : "x";
  line += {kHex[octet_of(c) >> 4], kHex[octet_of(c) & 15]};
}

// The length of the sequence of UTF-8 that may stay as it is; 0: an octet of ASCII, a control character
// (U+0080–U+009F), or no such sequence.
std::size_t printable_sequence(std::string_view text) {
  const std::size_t length = utf8_sequence_length(text);
  const bool control = length == 2 && octet_of(text[0]) == 0xc2 && octet_of(text[1]) < 0xa0;
  return length < 2 || control ? 0 : length;
}

void append_escaped(std::string_view value, std::size_t longest, bool json, std::string& line) {
  constexpr std::size_t kLongestEscape = 6;
  const std::size_t begin = line.size();
  while (!value.empty()) {
    const std::size_t used = line.size() - begin;
    const std::size_t room = longest - used;  // used never exceeds longest
    const std::size_t plain = plain_prefix(value.substr(0, room));
    line += value.substr(0, plain);
    value.remove_prefix(plain);
    if (value.empty()) return;
    if (room - plain < kLongestEscape) {
      line += kCut;
      return;
    }
    const std::size_t sequence = json ? printable_sequence(value) : 0;
    if (sequence > 0) {
      line += value.substr(0, sequence);
    } else {
      escape(value.front(), json, line);
    }
    value.remove_prefix(sequence > 0 ? sequence : 1);
  }
}

}  // namespace

void append_text(std::string_view value, std::size_t longest, std::string& line) {
  if (value.empty()) {
    line += '-';
    return;
  }
  append_escaped(value, longest, false, line);
}

void append_json(std::string_view value, std::size_t longest, std::string& line) {
  line += '"';
  append_escaped(value, longest, true, line);
  line += '"';
}

}  // namespace spawning
