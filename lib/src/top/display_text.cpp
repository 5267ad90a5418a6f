// SPDX-License-Identifier: MIT
#include "top/display_text.hpp"

#include <locale.h>  // newlocale
#include <wchar.h>   // wcwidth

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/utf8.hpp"

namespace spawning {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd", kEllipsis = "\xe2\x80\xa6";
constexpr int kMostAccents = 2;

// Characters that the C library gives a width, and that are not to be seen, or change how others are.
constexpr std::array<std::pair<char32_t, char32_t>, 14> kInvisible{{{0xad, 0xad},
                                                                    {0x61c, 0x61c},
                                                                    {0x115f, 0x1160},
                                                                    {0x17b4, 0x17b5},
                                                                    {0x180b, 0x180f},
                                                                    {0x200b, 0x200f},
                                                                    {0x2028, 0x202e},
                                                                    {0x2060, 0x206f},
                                                                    {0x3164, 0x3164},
                                                                    {0xe000, 0xf8ff},
                                                                    {0xfe00, 0xfe0f},
                                                                    {0xfeff, 0xfeff},
                                                                    {0xffa0, 0xffa0},
                                                                    {0xfff0, 0xfffb}}};
constexpr char32_t kSpecialPlanes = 0xe0000;  // tags, private use: nobody knows what they look like

// The C library knows widths in a locale of UTF-8 only; this is one, for this thread, for a while.
class Utf8Locale {
 public:
  Utf8Locale() : locale_{::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)} {
    if (locale_ != nullptr) before_ = ::uselocale(locale_);
  }
  ~Utf8Locale() {
    if (locale_ == nullptr) return;
    ::uselocale(before_);
    ::freelocale(locale_);
  }
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;

  // -1: not to be shown.
  [[nodiscard]] int width_of(char32_t character) const {
    const bool hidden = std::ranges::any_of(kInvisible, [character](const auto& range) {
      return character >= range.first && character <= range.second;
    });
    if (locale_ == nullptr || hidden || character >= kSpecialPlanes) return -1;
    return ::wcwidth(static_cast<wchar_t>(character));
  }

 private:
  locale_t locale_;
  locale_t before_ = nullptr;
};

// Of well-formed UTF-8.
char32_t decoded(std::string_view sequence) {
  constexpr std::array<unsigned, 5> kFirstBits{0, 0x7f, 0x1f, 0x0f, 0x07};
  char32_t character = static_cast<unsigned char>(sequence[0]) & kFirstBits[sequence.size()];
  for (const char c : sequence.substr(1))
    character = character << 6 | (static_cast<unsigned char>(c) & 0x3f);
  return character;
}

// U+2400 and so on are pictures of control characters.
std::string picture_of(char control) {
  const int number = control == '\x7f' ? 0x21 : control;
  return {'\xe2', '\x90', static_cast<char>(0x80 + number)};
}

// Writes character by character what may be shown.
class Writer {
 public:
  explicit Writer(std::size_t most) : most_{most} {}

  void put(std::string_view octets) {
    const std::size_t length = utf8_sequence_length(octets);
    if (length != 1) {
      put_wide(octets.substr(0, length));
    } else if (const char c = octets.front(); c >= 0x20 && c < 0x7f) {
      append(octets.substr(0, 1), 1);
    } else {
      append(picture_of(c), 1);
    }
  }

  [[nodiscard]] bool full() const { return full_; }

  [[nodiscard]] DisplayText result() && { return std::move(shown_); }

 private:
  void put_wide(std::string_view sequence) {
    if (!sequence.empty() && !locale_) locale_.emplace();
    const int width = sequence.empty() ? -1 : locale_->width_of(decoded(sequence));
    const bool stray = width == 0 && (shown_.text.empty() || accents_ == kMostAccents);
    if (width < 0 || stray) {
      append(kReplacement, 1);
    } else {
      append(sequence, static_cast<std::size_t>(width));
    }
  }

  // Whatever does not fit makes room for the ellipsis.
  void append(std::string_view sequence, std::size_t columns) {
    if (shown_.columns + columns > most_) {
      full_ = true;
      if (most_ == 0) return;
      shown_.text.resize(fits_);
      shown_.text += kEllipsis;
      shown_.columns = fitting_columns_ + 1;
      return;
    }
    accents_ = columns == 0 ? accents_ + 1 : 0;
    shown_.text += sequence;
    shown_.columns += columns;
    if (shown_.columns >= most_) return;
    fits_ = shown_.text.size();
    fitting_columns_ = shown_.columns;
  }

  std::size_t most_;
  DisplayText shown_;
  std::size_t fits_ = 0, fitting_columns_ = 0;  // of it, what leaves a column for the ellipsis
  int accents_ = 0;                             // on the last character
  bool full_ = false;
  std::optional<Utf8Locale> locale_;  // only where ASCII does not do
};

}  // namespace

DisplayText display_text(std::string_view octets, std::size_t most) {
  Writer writer{most};
  while (!octets.empty() && !writer.full()) {
    writer.put(octets);
    octets.remove_prefix(std::max<std::size_t>(1, utf8_sequence_length(octets)));
  }
  return std::move(writer).result();
}

}  // namespace spawning
