// SPDX-License-Identifier: MIT
#include "coverage_directory.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <system_error>

#include "spawning/error.hpp"

namespace spawning::cli {
namespace {

namespace fs = std::filesystem;

// Nobody else can have made one of that name before.
std::string new_name() {
  std::random_device random;
  char name[sizeof "spawning-coverage-0123456789abcdef"];
  std::snprintf(name, sizeof name, "spawning-coverage-%08x%08x", random(), random());
  return name;
}

std::string new_path() {
  std::error_code error;
  const fs::path directory = fs::temp_directory_path(error);
  if (error) throw StartupError{"--coverage: expected a directory in $TMPDIR; " + error.message()};
  return fs::absolute(directory / new_name());
}

}  // namespace

CoverageDirectory::CoverageDirectory(bool goes_on) {
  const char* const before = goes_on ? std::getenv(kVariable) : nullptr;
  path_ = before != nullptr ? before : new_path();
  if (::setenv(kVariable, path_.c_str(), 1) != 0) throw_last_error("setenv");
}

CoverageDirectory::~CoverageDirectory() {
  std::error_code ignored;  // there is nobody left to tell
  fs::remove_all(path_, ignored);
}

}  // namespace spawning::cli
