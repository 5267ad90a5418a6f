// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Octet classes of RFC 9110 and RFC 3986, and fast runs over them. Nothing reads at or beyond
/// `end`.

#include <array>
#include <cstdint>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace spawning::octets {

using Class = std::array<bool, 256>;

/// The class of the ASCII letters and digits and of `others`.
constexpr Class alphanumeric_and(std::string_view others) {
  Class members{};
  for (unsigned c = '0'; c <= '9'; ++c) members[c] = true;
  for (unsigned c = 'a'; c <= 'z'; ++c) members[c] = members[c - 'a' + 'A'] = true;
  for (const char c : others) members[static_cast<unsigned char>(c)] = true;
  return members;
}

inline constexpr Class kToken = alphanumeric_and("!#$%&'*+-.^_`|~");  ///< RFC 9110 §5.6.2 tchar
inline constexpr Class kDashedToken = alphanumeric_and("!#$%&'*+-.^`|~");  ///< kToken but "_"
/// RFC 3986 §3.2.2 reg-name, but without the comma: that is what two Host fields look like which
/// somebody on the way has joined (RFC 9110 §5.3).
inline constexpr Class kHostName = alphanumeric_and("-._~!$&'()*+;=%");

[[nodiscard]] constexpr bool is_in(const Class& members, char c) {
  return members[static_cast<unsigned char>(c)];
}
[[nodiscard]] constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
[[nodiscard]] constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }

/// What may stand in a field value, a reason phrase or a quoted string: HTAB, SP, VCHAR and
/// obs-text.
[[nodiscard]] constexpr bool is_text(char c) {
  return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
}

/// What we take in a request target: visible ASCII but "#". RFC 3986 forbids a few more, which
/// browsers send unescaped all the same ("|", "{", "^" and others); no two readers disagree about
/// where they end.
[[nodiscard]] constexpr bool is_in_target(char c) { return c > 0x20 && c < 0x7f && c != '#'; }

/// The value of a hexadecimal digit, or -1.
[[nodiscard]] constexpr int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// The first octet from `at` on that is not in `members`, or `end`.
[[nodiscard]] inline const char* skip(const Class& members, const char* at, const char* end) {
  while (at != end && is_in(members, *at)) ++at;
  return at;
}

/// The first octet that is not in `members` (letters, digits, "-" and others), or `end`.
[[nodiscard]] inline const char* skip_token(const char* at, const char* end,
                                            const Class& members = kToken) {
#if defined(__SSE2__)
  // Letters, digits and "-" in blocks, since nearly all names have nothing else; the rest one by
  // one.
  while (end - at >= 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i letter =
        _mm_sub_epi8(_mm_or_si128(block, _mm_set1_epi8(0x20)), _mm_set1_epi8('a'));
    const __m128i digit = _mm_sub_epi8(block, _mm_set1_epi8('0'));
    const __m128i is_letter = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(25)), letter);
    const __m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8(9)), digit);
    const __m128i is_dash = _mm_cmpeq_epi8(block, _mm_set1_epi8('-'));
    const int usual = _mm_movemask_epi8(_mm_or_si128(is_dash, _mm_or_si128(is_letter, is_digit)));
    at += __builtin_ctz(~static_cast<unsigned>(usual));
    if (usual == 0xffff) continue;
    if (!is_in(members, *at)) return at;
    ++at;
  }
#endif
  return skip(members, at, end);
}

/// The first octet that is not is_text(), or `end`.
[[nodiscard]] inline const char* skip_text(const char* at, const char* end) {
#if defined(__SSE2__)
  for (; end - at >= 16; at += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1f)), block);
    const __m128i tab = _mm_cmpeq_epi8(block, _mm_set1_epi8('\t'));
    const __m128i del = _mm_cmpeq_epi8(block, _mm_set1_epi8(0x7f));
    const int bad = _mm_movemask_epi8(_mm_or_si128(_mm_andnot_si128(tab, control), del));
    if (bad != 0) return at + __builtin_ctz(static_cast<unsigned>(bad));
  }
#endif
  while (at != end && is_text(*at)) ++at;
  return at;
}

/// The first octet that is not is_in_target(), or `end`.
[[nodiscard]] inline const char* skip_target(const char* at, const char* end) {
#if defined(__SSE2__)
  for (; end - at >= 16; at += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i low = _mm_cmplt_epi8(block, _mm_set1_epi8(0x21));  // signed: non-ASCII octets too
    const __m128i del = _mm_cmpeq_epi8(block, _mm_set1_epi8(0x7f));
    const __m128i hash = _mm_cmpeq_epi8(block, _mm_set1_epi8('#'));
    const int bad = _mm_movemask_epi8(_mm_or_si128(low, _mm_or_si128(del, hash)));
    if (bad != 0) return at + __builtin_ctz(static_cast<unsigned>(bad));
  }
#endif
  while (at != end && is_in_target(*at)) ++at;
  return at;
}

/// `text` without the blanks around it.
[[nodiscard]] constexpr std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Whether `text` is a token: one tchar at least, and nothing else.
[[nodiscard]] inline bool is_token(std::string_view text) {
  bool all = !text.empty();
  for (const char c : text) all &= is_in(kToken, c);  // no early exit: names are short, and valid
  return all;
}

}  // namespace spawning::octets
