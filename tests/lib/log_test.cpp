// SPDX-License-Identifier: MIT
#include "spawning/log.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <regex>
#include <string>

#include "spawning/unique_fd.hpp"

namespace spawning {
namespace {

struct LogTest : ::testing::Test {
  LogTest() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
    reading.reset(ends[0]);
    writing.reset(ends[1]);
  }

  // What was written since the last call; each event is one write, so one read never takes half of
  // one.
  std::string written() const {
    std::string text(4096, '\0');
    const ssize_t count = ::read(reading.get(), text.data(), text.size());
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return text;
  }

  UniqueFd reading, writing;
};

TEST_F(LogTest, WritesOneLineWithTimePidLevelAndComponent) {
  const Log log{writing.get(), "supervisor"};

  log.warning("worker 3 died");

  const std::string pattern = R"(\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}\] \[)" +
                              std::to_string(::getpid()) +
                              R"(\] \[warning\] supervisor: worker 3 died\n)";
  EXPECT_TRUE(std::regex_match(written(), std::regex{pattern}));
}

TEST_F(LogTest, KeepsQuietBelowItsThreshold) {
  const Log log{writing.get(), "worker"};

  log.debug("a detail");

  EXPECT_EQ(written(), "");
  EXPECT_FALSE(log.enabled(LogLevel::debug));
  EXPECT_TRUE(log.enabled(LogLevel::info));
}

TEST_F(LogTest, EscapesControlOctetsSoThatAnEventIsALine) {
  const Log log{writing.get(), "worker"};

  log.error("GET /\r\n[fake]\x1b[31m\x7f caf\xc3\xa9");

  EXPECT_TRUE(written().ends_with("worker: GET /\\x0d\\x0a[fake]\\x1b[31m\\x7f caf\xc3\xa9\n"));
}

TEST_F(LogTest, PrintsABlockAsItIsAfterItsIntroduction) {
  const Log log{writing.get(), "supervisor"};

  log.block("cannot load shop.app", "Traceback:\n  line 1\nValueError");

  EXPECT_TRUE(written().ends_with(
      "[error] supervisor: cannot load shop.app\nTraceback:\n  line 1\nValueError\n"));
}

TEST_F(LogTest, DropsWhatCannotBeWritten) {
  const Log log{-1, "worker"};

  EXPECT_NO_THROW(log.error("nobody reads this"));
}

}  // namespace
}  // namespace spawning
