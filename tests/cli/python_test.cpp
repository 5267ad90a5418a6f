// SPDX-License-Identifier: MIT
#include "python.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "spawning/error.hpp"
#include "support/temporary_directory.hpp"

namespace spawning::cli {
namespace {

namespace fs = std::filesystem;

struct PythonTest : ::testing::Test {
  // An executable file below the test's directory; gives its path.
  std::string program(const std::string& name) const {
    const fs::path path = directory / name;
    fs::create_directories(path.parent_path());
    std::ofstream{path} << "#!/bin/sh\n";
    fs::permissions(path, fs::perms::owner_all);
    return path;
  }

  std::string file(const std::string& name) const {
    const std::string path = program(name);
    fs::permissions(path, fs::perms::owner_read);
    return path;
  }

  std::string refusal() const {
    try {
      static_cast<void>(find_python(search));
    } catch (const StartupError& error) {
      return error.what();
    }
    return "";
  }

  test::TemporaryDirectory directory;
  PythonSearch search;
};

TEST_F(PythonTest, IsTheOneRequestedBeforeAnyOther) {
  search.virtual_env = fs::path{program("env/bin/python3")}.parent_path().parent_path();
  search.requested = program("mine/python3.12");

  EXPECT_EQ(find_python(search), search.requested);
}

TEST_F(PythonTest, IsLookedUpInPathWhenRequestedByName) {
  const std::string python = program("second/python3.12");
  search.path = directory / "first:" + directory / "second";
  search.requested = "python3.12";

  EXPECT_EQ(find_python(search), python);
}

TEST_F(PythonTest, MustExistAndBeExecutableWhenRequested) {
  search.requested = directory / "nothing";
  EXPECT_EQ(refusal(), "--python: " + search.requested + " does not exist");

  search.requested = "nothing";
  EXPECT_EQ(refusal(), "--python: nothing does not exist");

  search.requested = file("text");
  EXPECT_EQ(refusal(), "--python: " + search.requested + " is not an executable file");

  search.requested = directory.path();
  EXPECT_EQ(refusal(), "--python: " + search.requested + " is not an executable file");
}

TEST_F(PythonTest, IsTheOneBesideSpawnInItsVirtualEnvironment) {
  const std::string python = program("env/bin/python3");
  file("env/pyvenv.cfg");
  search.invoked_as = program("env/bin/spawn");
  search.virtual_env = directory / "other";

  EXPECT_EQ(find_python(search), python);
}

TEST_F(PythonTest, IsTheOneBesideSpawnAsFoundInPath) {
  const std::string python = program("env/bin/python");  // some environments have only this name
  file("env/pyvenv.cfg");
  program("env/bin/spawn");
  search.path = directory / "env/bin";
  search.invoked_as = "spawn";

  EXPECT_EQ(find_python(search), python);
}

TEST_F(PythonTest, IsTheOneBesideTheFileThatSpawnIsALinkTo) {
  const std::string python = program("env/bin/python3");
  file("env/pyvenv.cfg");
  search.invoked_as = "/usr/local/bin/spawn";
  search.executable = program("env/bin/spawn");

  EXPECT_EQ(find_python(search), python);
}

TEST_F(PythonTest, IsNotTheSystemsBecauseSpawnIsBesideIt) {
  program("usr/bin/python3");
  search.invoked_as = search.executable = program("usr/bin/spawn");
  const std::string python = program("env/bin/python3");
  search.virtual_env = directory / "env";

  EXPECT_EQ(find_python(search), python);
}

TEST_F(PythonTest, IsThatOfTheActiveVirtualEnvironmentBeforePython3InPath) {
  const std::string python = program("env/bin/python3");
  search.virtual_env = directory / "env";
  search.path = fs::path{program("bin/python3")}.parent_path();

  EXPECT_EQ(find_python(search), python);
}

TEST_F(PythonTest, IsPython3InPathOtherwise) {
  const std::string python = program("bin/python3");
  file("first/python3");  // cannot be executed
  search.path = ":" + directory / "first:" + directory / "bin";

  EXPECT_EQ(find_python(search), python);
}

TEST_F(PythonTest, IsMissedByName) {
  search.path = directory.path();
  EXPECT_EQ(refusal(), "no python3 in $PATH; expected one there, or --python");

  search.virtual_env = "/nonexistent";
  EXPECT_EQ(refusal(),
            "no Python in $VIRTUAL_ENV, /nonexistent; expected bin/python3, or --python");
}

}  // namespace
}  // namespace spawning::cli
