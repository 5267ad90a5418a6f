// SPDX-License-Identifier: MIT
#include "spawning/terminal_screen.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <system_error>

#include "spawning/error.hpp"
#include "top/whole_write.hpp"

namespace spawning {
namespace {

// The other screen, no wrapping of long lines, no cursor.
constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?7l\x1b[?25l";
constexpr std::string_view kLeave = "\x1b[m\x1b[?25h\x1b[?7h\x1b[?1049l";
// A terminal that knows synchronised output shows all of a frame at once.
constexpr std::string_view kBegin = "\x1b[?2026h\x1b[H", kEnd = "\x1b[J\x1b[?2026l";
constexpr std::string_view kClearRest = "\x1b[K";

void write_or_throw(int fd, std::string_view text) {
  if (const std::error_code error = whole_write(fd, text))
    throw std::system_error{error, "writing to the terminal"};
}

void set(int fd, const termios& settings) {
  while (::tcsetattr(fd, TCSANOW, &settings) != 0) {
    if (errno != EINTR) throw_last_error("the terminal's settings");
  }
}

}  // namespace

std::optional<TerminalSize> TerminalSize::of(int fd) {
  if (::isatty(fd) != 1) return std::nullopt;
  winsize found{};
  const bool known = ::ioctl(fd, TIOCGWINSZ, &found) == 0 && found.ws_col > 0 && found.ws_row > 0;
  return known ? TerminalSize{found.ws_col, found.ws_row} : TerminalSize{};
}

TerminalScreen::TerminalScreen(int screen, int keyboard) : screen_{screen}, keyboard_{keyboard} {
  enter();
}

TerminalScreen::~TerminalScreen() { leave(); }

void TerminalScreen::enter() {
  if (keyboard_ >= 0) {
    termios found{};
    if (::tcgetattr(keyboard_, &found) != 0) throw_last_error("the terminal's settings");
    if (!entered_) before_ = found;
    found.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    found.c_cc[VMIN] = 1;
    found.c_cc[VTIME] = 0;
    set(keyboard_, found);
  }
  entered_ = true;
  write_or_throw(screen_, kEnter);
}

void TerminalScreen::leave() noexcept {
  if (!entered_) return;
  entered_ = false;
  // A terminal that has gone needs nothing back.
  [[maybe_unused]] const std::error_code ignored = whole_write(screen_, kLeave);
  if (before_) ::tcsetattr(keyboard_, TCSANOW, &*before_);
}

void TerminalScreen::draw(const std::vector<std::string>& lines) const {
  std::string frame{kBegin};
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) frame += "\r\n";
    frame += lines[i];
    frame += kClearRest;
  }
  frame += kEnd;
  write_or_throw(screen_, frame);
}

}  // namespace spawning
