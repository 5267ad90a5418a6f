// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Drawing on the whole of a terminal.

#include <termios.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "spawning/export.hpp"

namespace SPAWNING_EXPORT spawning {

/// In characters.
struct TerminalSize {
  std::size_t columns = 80, rows = 24;

  /// That of a terminal; 80 × 24 if it does not know its own. None: `fd` is no terminal.
  [[nodiscard]] static std::optional<TerminalSize> of(int fd);
};

/// A terminal's other screen, without a cursor, and a keyboard that gives every key at once and does
/// not echo it. ^C and the like still send signals: who owns a screen handles them, and SIGTSTP.
///
/// \par Lifetime  Borrows both descriptors. The destructor brings back what was there before.
class TerminalScreen {
 public:
  /// Enters.
  /// \param screen    a terminal, to write to.
  /// \param keyboard  a terminal, or -1: none.
  TerminalScreen(int screen, int keyboard);
  ~TerminalScreen();

  TerminalScreen(const TerminalScreen&) = delete;
  TerminalScreen& operator=(const TerminalScreen&) = delete;

  /// Takes the screen, also again after something else has had the terminal. Keeps the settings of the
  /// keyboard that it finds, for leave().
  /// \throws std::system_error if the terminal has gone.
  void enter();

  /// Gives the screen and the keyboard back as they were. Idempotent.
  void leave() noexcept;

  /// Shows these lines and nothing else, in one write. They fit: the last column stays free, because
  /// clearing the rest of a full line would clear its last character.
  /// \throws std::system_error if the terminal has gone.
  void draw(const std::vector<std::string>& lines) const;

  [[nodiscard]] TerminalSize size() const {
    return TerminalSize::of(screen_).value_or(TerminalSize{});
  }

 private:
  int screen_, keyboard_;
  std::optional<termios> before_;  // of the keyboard
  bool entered_ = false;
};

}  // namespace spawning
