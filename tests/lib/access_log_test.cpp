// SPDX-License-Identifier: MIT
#include "spawning/access_log.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "record/log_file.hpp"
#include "spawning/error.hpp"
#include "support/temporary_directory.hpp"

namespace spawning {
namespace {

using namespace std::chrono_literals;
using test::TemporaryDirectory;

constexpr auto kPatience = 20'000ms;

std::string content_of(const std::string& path) {
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

std::vector<std::string> lines_in(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream{text};
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

struct AccessLogTest : ::testing::Test {
  TemporaryDirectory directory;
  std::string path = directory / "access";
  std::string error_path = directory / "errors";
  UniqueFd errors = open_log_file(error_path);
  Log log{errors.get(), "worker"};

  [[nodiscard]] std::string said() const { return content_of(error_path); }

  static LogFormat targets() { return LogFormat::parse("%U"); }

  static void end_exchange(AccessLog& access_log, std::string_view path_asked_for) {
    ExchangeRecord record;
    record.path = path_asked_for;
    access_log.exchange_ended(record);
  }

  // What a pipe has, without its end.
  static std::string drained(int fd) {
    std::string text;
    std::array<char, 65536> some{};
    for (ssize_t count = 0; (count = ::read(fd, some.data(), some.size())) > 0;)
      text.append(some.data(), static_cast<std::size_t>(count));
    return text;
  }

  static std::array<UniqueFd, 2> make_pipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    EXPECT_EQ(::fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    return {UniqueFd{ends[0]}, UniqueFd{ends[1]}};
  }
};

TEST_F(AccessLogTest, AppendsALineAnExchange) {
  std::ofstream{path} << "before\n";
  AccessLog access_log{targets(), open_log_file(path), log};

  end_exchange(access_log, "/a");
  end_exchange(access_log, "/b");

  EXPECT_TRUE(access_log.flush(kPatience));
  EXPECT_EQ(content_of(path), "before\n/a\n/b\n");
}

TEST_F(AccessLogTest, WritesWithoutBeingAsked) {
  AccessLog access_log{targets(), open_log_file(path), log};
  end_exchange(access_log, "/a");

  while (content_of(path) != "/a\n") std::this_thread::yield();
}

TEST_F(AccessLogTest, WritesWhatIsLeftWhenItEnds) {
  {
    AccessLog access_log{targets(), open_log_file(path), log};
    for (int i = 0; i < 1000; ++i) end_exchange(access_log, "/" + std::to_string(i));
  }
  EXPECT_EQ(lines_in(content_of(path)).size(), 1000U);
  EXPECT_EQ(said(), "");
}

TEST_F(AccessLogTest, LosesAndTearsNothingWhenTheFileChangesUnderLoad) {
  constexpr int kThreads = 4, kLines = 20'000;
  AccessLog access_log{targets(), open_log_file(path), log};
  std::atomic<int> running = kThreads;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kLines; ++i) {
        end_exchange(access_log, "/" + std::to_string(t) + "/" + std::to_string(i));
        if (i % 100 == 0) static_cast<void>(access_log.flush(kPatience));
      }
      --running;
    });
  }
  std::string all;
  for (int i = 0; running > 0; ++i) {
    const std::string old = path + "." + std::to_string(i);
    std::filesystem::rename(path, old);
    access_log.reopen(open_log_file(path));
    ASSERT_TRUE(access_log.flush(kPatience));
    all += content_of(old);
    std::filesystem::remove(old);
  }
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(access_log.flush(kPatience));
  all += content_of(path);

  const auto lines = lines_in(all);
  EXPECT_EQ(lines.size(), std::size_t{kThreads * kLines});
  EXPECT_EQ(std::set<std::string>(lines.begin(), lines.end()).size(), lines.size());
}

TEST_F(AccessLogTest, LetsGoOfTheOldFileAlsoWhenNothingIsWritten) {
  auto [reading, writing] = make_pipe();
  AccessLog access_log{targets(), std::move(writing), log};

  access_log.reopen(open_log_file(path));

  char octet = 0;
  while (::read(reading.get(), &octet, 1) != 0) std::this_thread::yield();  // until the end
}

TEST_F(AccessLogTest, DoesNothingForTheNullDevice) {
  AccessLog access_log{targets(), open_log_file("/dev/null"), log};
  end_exchange(access_log, "/a");
  EXPECT_TRUE(access_log.flush(0ms));

  access_log.reopen(open_log_file(path));
  end_exchange(access_log, "/b");
  EXPECT_TRUE(access_log.flush(kPatience));
  access_log.reopen(open_log_file("/dev/null"));
  end_exchange(access_log, "/c");

  EXPECT_EQ(content_of(path), "/b\n");
}

TEST_F(AccessLogTest, MixesLinesOfSeveralWritersInAPipeWithNobodyElses) {
  auto [reading, writing] = make_pipe();
  UniqueFd second{::dup(writing.get())};
  std::string all;
  {
    AccessLog one{targets(), std::move(writing), log};
    AccessLog other{targets(), std::move(second), log};
    const std::string a(300, 'a'), b(700, 'b');
    for (int i = 1; i <= 5000; ++i) {
      end_exchange(one, a);
      end_exchange(other, b);
      if (i % 20 == 0) all += drained(reading.get());
      while (i % 500 == 0 && (!one.flush(1ms) || !other.flush(1ms)))  // no more than is kept
        all += drained(reading.get());
    }
    EXPECT_EQ(one.lost() + other.lost(), 0U);
  }
  all += drained(reading.get());

  const auto lines = lines_in(all);
  EXPECT_EQ(lines.size(), 10'000U);
  for (const auto& line : lines) {
    EXPECT_TRUE(line == std::string(300, 'a') || line == std::string(700, 'b')) << line;
  }
}

TEST_F(AccessLogTest, CutsALineThatIsTooLongForAPipe) {
  auto [reading, writing] = make_pipe();
  AccessLog access_log{LogFormat::parse("%h %U %L"), std::move(writing), log};
  AccessLog to_file{LogFormat::parse("%h %U %L"), open_log_file(path), log};
  ExchangeRecord record;
  const std::string target(5000, 'a');
  record.path = target;
  record.request_id = "abc";

  access_log.exchange_ended(record);
  to_file.exchange_ended(record);

  EXPECT_TRUE(access_log.flush(kPatience));
  EXPECT_TRUE(to_file.flush(kPatience));
  EXPECT_EQ(drained(reading.get()), "- " + std::string(1024, 'a') + "... abc\n");
  EXPECT_EQ(content_of(path), "- " + target + " abc\n");
}

// Nobody reads the pipe: what does not fit is counted, said once, and nobody waits.
TEST_F(AccessLogTest, NeverWaitsForAPipeThatNobodyReads) {
  auto [reading, writing] = make_pipe();
  AccessLog access_log{targets(), std::move(writing), log};
  const std::string path_asked_for(1000, 'a');

  int put = 0;
  for (; access_log.lost() == 0; ++put) end_exchange(access_log, path_asked_for);
  EXPECT_GT(put, 1000);
  while (said().empty()) std::this_thread::yield();
  EXPECT_NE(said().find("the access log cannot be written: nobody takes its lines"),
            std::string::npos);

  std::string all;
  while (!access_log.flush(1ms)) all += drained(reading.get());
  all += drained(reading.get());

  EXPECT_EQ(lines_in(all).size() + access_log.lost(), static_cast<std::size_t>(put));
  EXPECT_EQ(lines_in(said()).size(), 2U) << said();
  EXPECT_NE(said().find("the access log is written again; lines lost: "), std::string::npos);
}

TEST_F(AccessLogTest, GivesUpAPipeThatNobodyReadsWhenItEnds) {
  auto [reading, writing] = make_pipe();
  const auto began = std::chrono::steady_clock::now();
  {
    AccessLog access_log{targets(), std::move(writing), log};
    for (int i = 0; i < 200; ++i) end_exchange(access_log, std::string(1000, 'a'));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - began, 10s);

  const auto lines = lines_in(drained(reading.get()));
  EXPECT_NE(said().find("lines lost of the access log, all in all: " +
                        std::to_string(200 - lines.size()) + "\n"),
            std::string::npos)
      << said();
}

// A file that may not grow stands for a full disk: a write is short, and the next one fails.
TEST_F(AccessLogTest, GoesOnInANewFileWithTheLineThatAFullOneHasCut) {
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{1000, before.rlim_max};
  const std::string line(299, 'a');
  AccessLog access_log{targets(), open_log_file(path), log};
  const std::string elsewhere = directory / "elsewhere";
  UniqueFd unlimited = open_log_file(elsewhere);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);

  for (int i = 0; i < 10; ++i) end_exchange(access_log, line);
  while (said().empty()) std::this_thread::yield();
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  access_log.reopen(std::move(unlimited));

  EXPECT_TRUE(access_log.flush(kPatience));
  EXPECT_NE(said().find("cannot be written: File too large"), std::string::npos) << said();
  EXPECT_EQ(access_log.lost(), 0U);
  std::size_t whole = 0;
  for (const auto& file : {path, elsewhere}) {
    for (const auto& each : lines_in(content_of(file))) whole += each == line ? 1 : 0;
  }
  EXPECT_EQ(whole, 10U);
}

TEST(LogFileTest, SaysWhyAFileCannotBeOpened) {
  const TemporaryDirectory directory;
  try {
    static_cast<void>(open_log_file(directory / "missing/access.log"));
    FAIL();
  } catch (const StartupError& error) {
    EXPECT_EQ(std::string{error.what()}, "the log file " + (directory / "missing/access.log") +
                                             " cannot be opened: No such file or directory");
  }
}

}  // namespace
}  // namespace spawning
