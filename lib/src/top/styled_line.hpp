// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Lines for a terminal, and how they are laid out.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace spawning {

/// What a piece of a line is to look like.
enum class Style : std::uint8_t { plain, strong, faint, good, warning, bad };

/// Some text, which may come from anywhere. \see display_text
struct Piece {
  std::string text;
  Style style = Style::plain;
};

/// Pieces that follow each other.
using StyledLine = std::vector<Piece>;

/// What is written to a terminal for a line of at most `columns`: the only way from pieces to it.
/// \param colour  otherwise no escape sequence is in it.
[[nodiscard]] std::string encoded(const StyledLine& line, std::size_t columns, bool colour);

/// Pieces with blanks between them, on as many lines of `columns` as they need.
[[nodiscard]] std::vector<StyledLine> flowed(const StyledLine& pieces, std::size_t columns);

/// A text on as many lines of `columns` as its words need.
[[nodiscard]] std::vector<StyledLine> wrapped(const Piece& text, std::size_t columns);

/// A table; every row has a piece for each column.
struct TextTable {
  struct Column {
    std::string heading;
    bool left = false;  ///< aligned; otherwise to the right
    int rank = 0;       ///< columns with the highest one are left out first; 0: never
  };

  std::vector<Column> columns;
  std::vector<StyledLine> rows;

  /// The heading, then the rows, with the columns that fit. The last one is not padded.
  [[nodiscard]] std::vector<StyledLine> lines(std::size_t width) const;
};

}  // namespace spawning
