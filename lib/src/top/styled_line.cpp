// SPDX-License-Identifier: MIT
#include "top/styled_line.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <utility>

#include "top/display_text.hpp"

namespace spawning {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kAnyWidth = std::numeric_limits<std::size_t>::max();
constexpr std::size_t kNarrowestLast = 12;  // of the last column, or others are left out

const char* sequence_of(Style style) {
  static constexpr std::array<const char*, 6> kSequences{"",         "\x1b[1m",  "\x1b[2m",
                                                         "\x1b[32m", "\x1b[33m", "\x1b[1;31m"};
  return kSequences[static_cast<std::size_t>(style)];
}

std::size_t width_of(const std::string& text) { return display_text(text, kAnyWidth).columns; }

Piece blanks(std::size_t count) { return {std::string(count, ' '), Style::plain}; }

void add_cell(StyledLine& line, const Piece& cell, const TextTable::Column& column,
              std::size_t width, bool last) {
  if (!line.empty()) line.push_back(blanks(kGap));
  const std::size_t padding = width - std::min(width, width_of(cell.text));
  if (!column.left && padding > 0) line.push_back(blanks(padding));
  line.push_back(cell);
  if (column.left && !last && padding > 0) line.push_back(blanks(padding));
}

}  // namespace

std::string encoded(const StyledLine& line, std::size_t columns, bool colour) {
  std::string text;
  std::size_t room = columns;
  for (const Piece& piece : line) {
    const DisplayText shown = display_text(piece.text, room);
    const bool styled = colour && piece.style != Style::plain;
    if (styled) text += sequence_of(piece.style);
    text += shown.text;
    if (styled) text += "\x1b[m";
    room -= shown.columns;
  }
  return text;
}

std::vector<StyledLine> flowed(const StyledLine& pieces, std::size_t columns) {
  std::vector<StyledLine> lines;
  std::size_t used = 0;
  for (const Piece& piece : pieces) {
    const std::size_t width = width_of(piece.text);
    if (lines.empty() || used + kGap + width > columns) {
      lines.emplace_back();
      used = 0;
    } else {
      lines.back().push_back(blanks(kGap));
      used += kGap;
    }
    lines.back().push_back(piece);
    used += width;
  }
  return lines;
}

std::vector<StyledLine> wrapped(const Piece& text, std::size_t columns) {
  std::vector<StyledLine> lines;
  std::size_t used = 0;
  for (std::size_t begin = 0; begin < text.text.size();) {
    const std::size_t end = std::min(text.text.find(' ', begin), text.text.size());
    const std::string word = text.text.substr(begin, end - begin);
    const std::size_t width = width_of(word);
    begin = end + 1;
    if (lines.empty() || used + 1 + width > columns) {
      lines.push_back({{word, text.style}});
      used = width;
    } else {
      lines.back()[0].text += ' ' + word;
      used += 1 + width;
    }
  }
  return lines;
}

std::vector<StyledLine> TextTable::lines(std::size_t width) const {
  std::vector<std::size_t> widths, shown(columns.size());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    widths.push_back(width_of(columns[i].heading));
    for (const StyledLine& row : rows) widths[i] = std::max(widths[i], width_of(row[i].text));
  }
  std::iota(shown.begin(), shown.end(), 0U);
  const auto needed = [this, &widths, &shown] {
    std::size_t sum = 0;
    for (const std::size_t i : shown)
      sum +=
          kGap + (i + 1 == columns.size() && columns[i].left ? std::min(widths[i], kNarrowestLast)
                                                             : widths[i]);
    return sum - std::min(sum, kGap);
  };
  while (needed() > width) {
    const auto least =
        std::ranges::max_element(shown, {}, [this](std::size_t i) { return columns[i].rank; });
    if (columns[*least].rank == 0) break;
    shown.erase(least);
  }
  std::vector<StyledLine> lines(rows.size() + 1);
  for (const std::size_t i : shown) {
    const bool last = i == shown.back();
    add_cell(lines[0], {columns[i].heading, Style::strong}, columns[i], widths[i], last);
    for (std::size_t row = 0; row < rows.size(); ++row)
      add_cell(lines[row + 1], rows[row][i], columns[i], widths[i], last);
  }
  return lines;
}

}  // namespace spawning
