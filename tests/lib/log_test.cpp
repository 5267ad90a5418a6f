// SPDX-License-Identifier: MIT
#include "spawning/log.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <chrono>
#include <cstdlib>
#include <iterator>
#include <optional>
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
    std::string text(64 << 10, '\0');
    const ssize_t count = ::read(reading.get(), text.data(), text.size());
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return text;
  }

  // The one object that was written since the last call.
  boost::json::object object() const {
    const std::string line = written();
    EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1) << line;
    EXPECT_TRUE(line.ends_with("}\n")) << line;
    boost::json::error_code error;
    const auto value = boost::json::parse(line.substr(0, line.size() - 1), error);
    EXPECT_FALSE(error) << line;
    return value.is_object() ? value.get_object() : boost::json::object{};
  }

  // Leaves no room at the other end.
  void fill() const {
    const std::string octets(4096, 'x');
    while (::write(writing.get(), octets.data(), octets.size()) > 0) {
    }
  }

  std::string drained() const {
    std::string all, more;
    while (!(more = written()).empty()) all += more;
    return all;
  }

  UniqueFd reading, writing;
};

constexpr LogOptions kJson{LogLevel::info, LogStyle::json};

std::chrono::steady_clock::duration time_of(auto action) {
  const auto before = std::chrono::steady_clock::now();
  action();
  return std::chrono::steady_clock::now() - before;
}

// A terminal: what is written to one end is read from the other.
struct Terminal {
  Terminal() : master{::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)} {
    EXPECT_EQ(::grantpt(master.get()), 0);
    EXPECT_EQ(::unlockpt(master.get()), 0);
    slave.reset(::open(::ptsname(master.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
  }

  [[nodiscard]] std::string line() const {
    std::string text;
    std::array<char, 4096> some{};
    while (!text.ends_with('\n')) {
      const ssize_t count = ::read(master.get(), some.data(), some.size());
      if (count <= 0) break;
      text.append(some.data(), static_cast<std::size_t>(count));
    }
    return text;
  }

  UniqueFd master, slave;
};

// $TERM and $NO_COLOR, restored at the end.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_{name} {
    if (const char* before = std::getenv(name)) before_ = before;
    set(value);
  }
  ~Variable() { set(before_ ? before_->c_str() : nullptr); }

  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  void set(const char* value) {
    if (value == nullptr) {
      ::unsetenv(name_);
    } else {
      ::setenv(name_, value, 1);
    }
  }

  const char* name_;
  std::optional<std::string> before_;
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

TEST_F(LogTest, PrintsATracebackBelowItsIntroduction) {
  const Log log{writing.get(), "supervisor"};

  log.traceback("cannot load shop.app", "Traceback:\n\tline 1\nValueError: \x1b[2J");

  EXPECT_TRUE(written().ends_with(
      "[error] supervisor: cannot load shop.app\nTraceback:\n\tline 1\nValueError: \\x1b[2J\n"));
}

TEST_F(LogTest, PrintsStacksAtTheirLevel) {
  const Log log{writing.get(), "worker", {.threshold = LogLevel::warning}};

  log.stacks(LogLevel::info, "a stack that nobody wants:", "f\n");
  log.stacks(LogLevel::warning, "a stack:", "f\ng\n");

  const std::string text = written();
  EXPECT_TRUE(text.ends_with("[warning] worker: a stack:\nf\ng\n")) << text;
  EXPECT_EQ(text.find("nobody"), std::string::npos);
}

TEST_F(LogTest, WritesFromItsThresholdOn) {
  for (const LogLevel threshold :
       {LogLevel::debug, LogLevel::info, LogLevel::warning, LogLevel::error}) {
    for (const LogStyle style : {LogStyle::text, LogStyle::json}) {
      const Log log{writing.get(), "worker", {threshold, style}};

      log.debug("text");
      log.info("text");
      log.warning("text");
      log.error("text");
      log.traceback("text", "lines");

      const std::string text = written();
      const std::regex events{"worker"};
      const auto count = std::distance(std::sregex_iterator{text.begin(), text.end(), events},
                                       std::sregex_iterator{});
      EXPECT_EQ(count, 5 - static_cast<int>(threshold)) << text;
    }
  }
}

TEST_F(LogTest, KnowsLevelsAndStylesByName) {
  for (const char* word : {"debug", "info", "warning", "error"})
    EXPECT_EQ(to_string(log_level_named(word).value()), word);
  for (const char* word : {"text", "json"})
    EXPECT_EQ(to_string(log_style_named(word).value()), word);

  for (const char* word : {"", "Info", "warn", "text", "critical"})
    EXPECT_FALSE(log_level_named(word)) << word;
  for (const char* word : {"", "JSON", "info"}) EXPECT_FALSE(log_style_named(word)) << word;
}

// --- JSON

TEST_F(LogTest, WritesAnObjectALineAsJson) {
  const Log log{writing.get(), "supervisor", kJson};

  log.warning("worker 3 died");

  const auto object = this->object();
  EXPECT_EQ(object.size(), 5U);
  EXPECT_TRUE(std::regex_match(std::string{object.at("timestamp").as_string()},
                               std::regex{R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)"}));
  EXPECT_EQ(object.at("level").as_string(), "warning");
  EXPECT_EQ(object.at("process.pid").as_int64(), ::getpid());
  EXPECT_EQ(object.at("component").as_string(), "supervisor");
  EXPECT_EQ(object.at("message").as_string(), "worker 3 died");
}

TEST_F(LogTest, MakesOneObjectOfAnEventAndItsLines) {
  const Log log{writing.get(), "worker", kJson};

  log.traceback("error in GET /", "Traceback:\n  line \"1\"\n");
  const auto failure = object();
  log.stacks(LogLevel::warning, "stack:", "f\ng\n");
  const auto stack = object();

  EXPECT_EQ(failure.at("level").as_string(), "error");
  EXPECT_EQ(failure.at("message").as_string(), "error in GET /");
  EXPECT_EQ(failure.at("exception.stacktrace").as_string(), "Traceback:\n  line \"1\"\n");
  EXPECT_EQ(stack.at("level").as_string(), "warning");
  EXPECT_EQ(stack.at("code.stacktrace").as_string(), "f\ng\n");
  EXPECT_FALSE(stack.contains("exception.stacktrace"));
}

TEST_F(LogTest, WritesValidJsonWhateverTheOctets) {
  const Log log{writing.get(), "worker", kJson};
  std::string all;
  for (int octet = 0; octet < 256; ++octet) all += static_cast<char>(octet);

  log.traceback(all, all);

  const auto object = this->object();
  std::string expected = all.substr(0, 128);  // the rest as Latin-1
  for (int octet = 128; octet < 256; ++octet) {
    expected += static_cast<char>(0xc0 | (octet >> 6));
    expected += static_cast<char>(0x80 | (octet & 0x3f));
  }
  EXPECT_EQ(object.at("message").as_string(), expected);
  EXPECT_EQ(object.at("exception.stacktrace").as_string(), expected);
}

TEST_F(LogTest, TakesWhatIsNoUtf8ApartFromWhatIs) {
  const Log log{writing.get(), "worker", kJson};

  log.error("caf\xc3\xa9 \xed\xa0\x80 \xc0\xaf \xf4\x90\x80\x80 \xe2\x82");

  EXPECT_EQ(object().at("message").as_string(),
            "caf\xc3\xa9 \xc3\xad\xc2\xa0\xc2\x80 \xc3\x80\xc2\xaf "
            "\xc3\xb4\xc2\x90\xc2\x80\xc2\x80 \xc3\xa2\xc2\x82");
}

// --- colours

TEST_F(LogTest, ColoursTheLevelOnATerminal) {
  const Variable term{"TERM", "xterm"}, plain{"NO_COLOR", nullptr};
  const Terminal terminal;
  const Log log{terminal.slave.get(), "worker", {.threshold = LogLevel::debug}};

  log.debug("text");
  EXPECT_NE(terminal.line().find("] [\x1b[2mdebug\x1b[0m] worker: text\r\n"), std::string::npos);
  log.info("text");
  EXPECT_NE(terminal.line().find("] [info] worker: text\r\n"), std::string::npos);
  log.warning("text");
  EXPECT_NE(terminal.line().find("] [\x1b[33mwarning\x1b[0m] worker"), std::string::npos);
  log.traceback("text", "lines");
  EXPECT_NE(terminal.line().find("] [\x1b[31merror\x1b[0m] worker"), std::string::npos);
}

TEST_F(LogTest, ColoursNothingWhereItIsNotWanted) {
  const Variable term{"TERM", "xterm"}, plain{"NO_COLOR", nullptr};
  const Terminal terminal;
  const auto coloured = [&terminal](LogStyle style) {
    Log{terminal.slave.get(), "worker", {LogLevel::info, style}}.error("text");
    return terminal.line().find('\x1b') != std::string::npos;
  };

  ASSERT_TRUE(coloured(LogStyle::text));
  EXPECT_FALSE(coloured(LogStyle::json));
  {
    const Variable dumb{"TERM", "dumb"};
    EXPECT_FALSE(coloured(LogStyle::text));
  }
  {
    const Variable none{"NO_COLOR", "1"};
    EXPECT_FALSE(coloured(LogStyle::text));
  }
  {
    const Variable empty{"NO_COLOR", ""};  // counts as not set, by no-color.org
    EXPECT_TRUE(coloured(LogStyle::text));
  }
  Log{writing.get(), "worker"}.error("into a pipe");
  EXPECT_EQ(written().find('\x1b'), std::string::npos);
}

// --- where lines cannot be written

TEST_F(LogTest, WritesALineWhole) {
  const Log log{writing.get(), "worker", kJson};
  const std::string lines(40 << 10, 'x');

  log.traceback("much", lines);

  EXPECT_EQ(object().at("exception.stacktrace").as_string(), lines);
}

TEST_F(LogTest, DropsWhatCannotBeWritten) {
  const Log closed{-1, "worker"}, for_reading{reading.get(), "worker"};

  EXPECT_NO_THROW(closed.error("nobody reads this"));
  EXPECT_NO_THROW(for_reading.error("nobody reads this"));
}

TEST_F(LogTest, DropsALineOfAStuckReaderAndTellsLater) {
  const Log log{writing.get(), "worker"};
  fill();

  const auto first = time_of([&log] { log.error("lost"); });
  const auto others = time_of([&log] {
    for (int i = 0; i < 100; ++i) log.error("lost");
  });
  static_cast<void>(drained());
  log.error("taken");

  EXPECT_GE(first, std::chrono::milliseconds{500});
  EXPECT_LT(others, std::chrono::milliseconds{500});  // not one of them waited
  const std::string text = written() + written();
  EXPECT_EQ(text.find("worker: lost"), std::string::npos);
  EXPECT_NE(text.find("worker: taken\n"), std::string::npos);
  EXPECT_NE(text.find("lines lost of this log before that one: 101;"), std::string::npos) << text;
}

TEST_F(LogTest, NeverWaitsForLongInABlockingPipe) {
  fill();
  ASSERT_EQ(::fcntl(writing.get(), F_SETFL, 0), 0);  // blocks from here on
  const Log log{writing.get(), "worker"};

  const auto took = time_of([&log] { log.error("lost"); });

  EXPECT_GE(took, std::chrono::milliseconds{500});
  static_cast<void>(drained());
  log.error("taken");
  EXPECT_NE(written().find("worker: taken\n"), std::string::npos);
}

TEST_F(LogTest, BeginsANewLineBehindOneThatWasTorn) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()), 0);
  reading.reset(ends[0]);
  writing.reset(ends[1]);
  const Log log{writing.get(), "worker"};

  log.traceback("torn", std::string(4 << 20, 'x'));  // more than fits
  ASSERT_TRUE(drained().ends_with("xxx"));
  log.error("whole");

  const std::string text = drained();
  EXPECT_TRUE(text.starts_with("\n[")) << text;
  EXPECT_NE(text.find("worker: whole\n"), std::string::npos);
}

}  // namespace
}  // namespace spawning
