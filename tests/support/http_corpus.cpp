// SPDX-License-Identifier: MIT
#include "support/http_corpus.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace spawning::test {
namespace {

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file) throw std::runtime_error{"cannot read " + path.string()};
  return {std::istreambuf_iterator<char>{file}, {}};
}

void set_limit(HttpLimits& limits, const std::string& name, std::uint64_t number) {
  if (name == "request_line") {
    limits.request_line.count = number;
  } else if (name == "header_octets") {
    limits.header_octets.count = number;
  } else if (name == "header_count") {
    limits.header_count = static_cast<std::size_t>(number);
  } else if (name == "body") {
    limits.body.count = number;
  } else {
    throw std::runtime_error{"unknown limit " + name};
  }
}

HeaderMap header_map_of(const std::string& name) {
  if (name == "drop") return HeaderMap::drop;
  if (name == "refuse") return HeaderMap::refuse;
  if (name == "dangerous") return HeaderMap::dangerous;
  throw std::runtime_error{"unknown header_map " + name};
}

CorpusCase load_case(std::filesystem::path path) {
  CorpusCase result{.name = path.stem(), .octets = read_file(path)};
  std::istringstream lines{read_file(path.replace_extension(".expect"))};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words{line};
    std::string word, name;
    std::uint64_t number = 0;
    if (words >> word && word == "limit") {
      if (!(words >> name >> number))
        throw std::runtime_error{"malformed limit in " + path.string()};
      set_limit(result.limits, name, number);
    } else if (word == "header_map" && words >> name) {
      result.header_map = header_map_of(name);
    } else {
      result.transcript += line + '\n';
    }
  }
  return result;
}

}  // namespace

std::vector<CorpusCase> load_corpus(std::string_view directory) {
  std::vector<CorpusCase> cases;
  for (const auto& entry : std::filesystem::directory_iterator{
           std::filesystem::path{SPAWNING_CORPUS} / "http" / directory}) {
    if (entry.path().extension() == ".http") cases.push_back(load_case(entry.path()));
  }
  std::ranges::sort(cases, {}, &CorpusCase::name);
  return cases;
}

std::vector<CorpusCase> load_fuzz_corpus() {
  std::vector<CorpusCase> cases;
  for (const auto& entry :
       std::filesystem::directory_iterator{std::filesystem::path{SPAWNING_CORPUS} / "fuzz"}) {
    cases.push_back({.name = entry.path().filename(), .octets = read_file(entry.path())});
  }
  return cases;
}

}  // namespace spawning::test
