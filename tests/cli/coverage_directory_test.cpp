// SPDX-License-Identifier: MIT
#include "coverage_directory.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "spawning/error.hpp"
#include "support/temporary_directory.hpp"

namespace spawning::cli {
namespace {

namespace fs = std::filesystem;

// $TMPDIR of its own, and none of $SPAWNING_COVERAGE_DIRECTORY.
struct CoverageDirectoryTest : ::testing::Test {
  void SetUp() override { ::setenv("TMPDIR", temporary.path().c_str(), 1); }
  void TearDown() override {
    ::unsetenv("TMPDIR");
    ::unsetenv(CoverageDirectory::kVariable);
  }

  test::TemporaryDirectory temporary;
};

TEST_F(CoverageDirectoryTest, IsOnlyANameAtFirst) {
  const CoverageDirectory directory{false};

  EXPECT_EQ(fs::path{directory.path()}.parent_path(), temporary.path());
  EXPECT_FALSE(fs::exists(directory.path()));
}

TEST_F(CoverageDirectoryTest, IsAnotherOneForEachService) {
  const CoverageDirectory one{false};
  const CoverageDirectory other{false};

  EXPECT_NE(one.path(), other.path());
}

TEST_F(CoverageDirectoryTest, IsRemovedWithAllThatWorkersHavePutThere) {
  {
    const CoverageDirectory directory{false};
    fs::create_directories(directory.path() + "/html");
    std::ofstream{directory.path() + "/html/index.html"} << "report";
  }

  EXPECT_TRUE(fs::is_empty(temporary.path()));
}

TEST_F(CoverageDirectoryTest, StaysTheSameForTheNextProgramOfThisProcess) {
  const CoverageDirectory before{false};

  EXPECT_EQ(CoverageDirectory{true}.path(), before.path());
}

TEST_F(CoverageDirectoryTest, DoesNotBelieveTheEnvironmentOfAnotherProcess) {
  ::setenv(CoverageDirectory::kVariable, "/somebody/elses", 1);

  EXPECT_NE(CoverageDirectory{false}.path(), "/somebody/elses");
}

TEST_F(CoverageDirectoryTest, NamesTheOptionIfThereIsNoPlaceForIt) {
  const std::string absent = temporary / "absent";
  ::setenv("TMPDIR", absent.c_str(), 1);

  try {
    const CoverageDirectory directory{false};
    FAIL();
  } catch (const StartupError& error) {
    EXPECT_TRUE(
        std::string{error.what()}.starts_with("--coverage: expected a directory in $TMPDIR"))
        << error.what();
  }
}

}  // namespace
}  // namespace spawning::cli
