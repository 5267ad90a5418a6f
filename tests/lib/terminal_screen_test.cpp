// SPDX-License-Identifier: MIT
#include "spawning/terminal_screen.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "spawning/unique_fd.hpp"
#include "top/key_decoder.hpp"

namespace spawning {
namespace {

struct TerminalScreenTest : ::testing::Test {
  TerminalScreenTest() {
    int ends[2];
    winsize size{};
    size.ws_col = 90;
    size.ws_row = 30;
    EXPECT_EQ(::openpty(&ends[0], &ends[1], nullptr, nullptr, &size), 0);
    person.reset(ends[0]);
    terminal.reset(ends[1]);
  }

  // Everything that has been written by now.
  std::string seen() const {
    std::array<char, 4096> octets{};
    const ssize_t count = ::read(person.get(), octets.data(), octets.size());
    return {octets.data(), count < 0 ? 0 : static_cast<std::size_t>(count)};
  }

  tcflag_t local_flags() const {
    termios found{};
    EXPECT_EQ(::tcgetattr(terminal.get(), &found), 0);
    return found.c_lflag;
  }

  UniqueFd person, terminal;
};

TEST_F(TerminalScreenTest, GivesTheTerminalBackAsItWas) {
  const tcflag_t before = local_flags();
  {
    TerminalScreen screen{terminal.get(), terminal.get()};
    EXPECT_EQ(local_flags() & (ICANON | ECHO), 0U);
    EXPECT_NE(local_flags() & ISIG, 0U);
    screen.enter();  // as after SIGCONT
    EXPECT_TRUE(seen().starts_with("\x1b[?1049h"));
  }

  EXPECT_EQ(local_flags(), before);
  EXPECT_TRUE(seen().ends_with("\x1b[?1049l"));
}

TEST_F(TerminalScreenTest, DrawsOneFrame) {
  TerminalScreen screen{terminal.get(), -1};
  static_cast<void>(seen());

  screen.draw({"one", "two"});

  EXPECT_EQ(seen(), "\x1b[?2026h\x1b[Hone\x1b[K\r\r\ntwo\x1b[K\x1b[J\x1b[?2026l");
}

TEST_F(TerminalScreenTest, KnowsItsSize) {
  const TerminalScreen screen{terminal.get(), terminal.get()};

  EXPECT_EQ(screen.size().columns, 90U);
  EXPECT_EQ(screen.size().rows, 30U);
  const UniqueFd file{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  EXPECT_FALSE(TerminalSize::of(file.get()));
}

TEST_F(TerminalScreenTest, ThrowsWhenTheTerminalHasGone) {
  TerminalScreen screen{terminal.get(), terminal.get()};
  person.reset();

  EXPECT_THROW(screen.draw({"one"}), std::system_error);
}

TEST(KeyDecoderTest, KnowsLettersFromArrows) {
  KeyDecoder decoder;

  EXPECT_EQ(decoder.letters("Mq"), "Mq");
  EXPECT_EQ(decoder.letters("a\x1b[Ab\x1b[1;5Cc\x1bOPd"), "abcd");
  EXPECT_EQ(decoder.letters("\x1b[1"), "");
  EXPECT_EQ(decoder.letters(";5Cq"), "q");
  EXPECT_EQ(decoder.letters("\x1b"), "");
  EXPECT_EQ(decoder.letters("q"), "q");
}

}  // namespace
}  // namespace spawning
