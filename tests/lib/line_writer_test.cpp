// SPDX-License-Identifier: MIT
#include "record/line_writer.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <iterator>
#include <string>

#include "record/log_file.hpp"
#include "support/temporary_directory.hpp"

namespace spawning {
namespace {

// A line that is longer than what a pipe holds stands for a disk that no longer answers.
TEST(LineWriterTest, CountsALineThatItIsStuckWithAsLostWhenItEnds) {
  const test::TemporaryDirectory directory;
  const UniqueFd errors = open_log_file(directory / "errors");
  const Log log{errors.get(), "worker"};
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd reading{ends[0]};
  {
    LineWriter writer{UniqueFd{ends[1]}, log};
    writer.put(std::string(1 << 19, 'a') + "\n");
    pollfd begun{reading.get(), POLLIN, 0};
    ASSERT_EQ(::poll(&begun, 1, 20'000), 1);
    writer.put("another\n");
  }

  std::ifstream file{directory / "errors"};
  const std::string said{std::istreambuf_iterator<char>{file}, {}};
  EXPECT_NE(said.find("lines lost of the access log, all in all: 2\n"), std::string::npos) << said;
}

}  // namespace
}  // namespace spawning
