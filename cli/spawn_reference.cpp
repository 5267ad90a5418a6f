// SPDX-License-Identifier: MIT
// `spawn_reference DIRECTORY` writes what is made of the options: the manual page and completions.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "reference.hpp"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: spawn_reference DIRECTORY\n";
    return 2;
  }
  for (const auto& file : spawning::cli::reference_files()) {
    const auto path = std::filesystem::path{argv[1]} / file.name;
    std::filesystem::create_directories(path.parent_path());
    if (!(std::ofstream{path} << file.text() << std::flush)) {
      std::cerr << "spawn_reference: " << path << " cannot be written\n";
      return EXIT_FAILURE;
    }
  }
  return EXIT_SUCCESS;
}
