// SPDX-License-Identifier: MIT
#include "python.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string_view>

#include "spawning/error.hpp"

namespace spawning::cli {
namespace {

namespace fs = std::filesystem;

bool is_program(const fs::path& path) {
  std::error_code ignored;  // what cannot be looked at is no program
  return fs::is_regular_file(path, ignored) && ::access(path.c_str(), X_OK) == 0;
}

std::optional<fs::path> find_in_path(const std::string& name, std::string_view path) {
  while (!path.empty()) {
    const std::size_t colon = path.find(':');
    const fs::path directory{path.substr(0, colon)};
    if (!directory.empty() && is_program(directory / name)) return directory / name;
    path.remove_prefix(colon == std::string_view::npos ? path.size() : colon + 1);
  }
  return std::nullopt;
}

std::optional<fs::path> python_in(const fs::path& directory) {
  for (const char* name : {"python3", "python"}) {
    if (is_program(directory / name)) return directory / name;
  }
  return std::nullopt;
}

// Not the interpreter's: beside /usr/bin/spawn stands the system's Python, which a virtual environment
// is there to replace.
std::optional<fs::path> python_of_environment_of(const std::optional<fs::path>& program) {
  if (!program) return std::nullopt;
  const fs::path directory = program->parent_path();
  std::error_code ignored;  // no such file: no environment
  if (!fs::exists(directory / ".." / "pyvenv.cfg", ignored)) return std::nullopt;
  return python_in(directory);
}

std::optional<fs::path> invoked_program(const PythonSearch& search) {
  if (search.invoked_as.find('/') != std::string::npos) return search.invoked_as;
  return find_in_path(search.invoked_as, search.path);
}

std::string requested_python(const PythonSearch& search) {
  const bool by_path = search.requested.find('/') != std::string::npos;
  const auto found = by_path ? std::optional<fs::path>{search.requested}
                             : find_in_path(search.requested, search.path);
  if (!found || !fs::exists(*found))
    throw StartupError{"--python: " + search.requested + " does not exist"};
  if (!is_program(*found))
    throw StartupError{"--python: " + search.requested + " is not an executable file"};
  return *found;
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

PythonSearch PythonSearch::of_this_process(const std::string& requested,
                                           const std::string& invoked_as) {
  return {requested, invoked_as, fs::read_symlink("/proc/self/exe"), variable("VIRTUAL_ENV"),
          variable("PATH")};
}

std::string find_python(const PythonSearch& search) {
  if (!search.requested.empty()) return requested_python(search);
  if (const auto found = python_of_environment_of(invoked_program(search))) return *found;
  if (const auto found = python_of_environment_of(fs::path{search.executable})) return *found;
  if (!search.virtual_env.empty()) {
    if (const auto found = python_in(fs::path{search.virtual_env} / "bin")) return *found;
    throw StartupError{"no Python in $VIRTUAL_ENV, " + search.virtual_env +
                       "; expected bin/python3, or --python"};
  }
  if (const auto found = find_in_path("python3", search.path)) return *found;
  throw StartupError{"no python3 in $PATH; expected one there, or --python"};
}

}  // namespace spawning::cli
