// SPDX-License-Identifier: MIT
#include "support/http_corpus.hpp"

#include <algorithm>
#include <cstdio>
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

std::string printable(std::string_view octets) {
  std::string text;
  for (const char c : octets) {
    char escaped[8] = {c};
    if (c == '\\') {
      std::snprintf(escaped, sizeof escaped, "\\\\");
    } else if (c < 0x20 || c == 0x7f) {
      std::snprintf(escaped, sizeof escaped, "\\x%02x",
                    static_cast<unsigned>(static_cast<unsigned char>(c)));
    }
    text += escaped;
  }
  return text;
}

std::string line(std::string name, std::string_view octets) {
  if (!octets.empty()) name += ' ';
  return std::move(name) + printable(octets) + '\n';
}

std::string whole(Body& body) {
  std::string octets(static_cast<std::size_t>(body.size()), '\0');
  std::size_t count = 0;
  while (count < octets.size()) count += body.read(std::span{octets}.subspan(count));
  return octets;
}

}  // namespace

std::vector<CorpusCase> load_corpus(std::string_view directory) {
  std::vector<CorpusCase> cases;
  for (const auto& entry :
       std::filesystem::directory_iterator{std::filesystem::path{SPAWNING_CORPUS} / directory}) {
    if (entry.path().extension() == ".http") cases.push_back(load_case(entry.path()));
  }
  std::ranges::sort(cases, {}, &CorpusCase::name);
  return cases;
}

RequestReader::RequestReader(const HttpLimits& limits, HeaderMap header_map)
    : limits_{limits}, parser_{limits, header_map}, chunks_{limits} {}

void RequestReader::read(std::string_view octets) {
  while (!refused_ && (in_body_ ? read_body(octets) : read_head(octets))) {
  }
}

std::string RequestReader::transcript() const {
  const bool incomplete = !refused_ && (in_body_ || parser_.started());
  return transcript_ + (incomplete ? "incomplete\n" : "");
}

bool RequestReader::read_head(std::string_view octets) {
  const auto status = parser_.parse(octets.substr(position_));
  if (status == RequestParser::Status::refused) return refuse(parser_.refusal());
  if (status == RequestParser::Status::incomplete) return false;
  if (const auto refusal = frame_request(parser_.head(), limits_, framing_))
    return refuse(*refusal);
  describe_head();
  position_ += parser_.consumed();
  parser_.reset();
  in_body_ = true;
  return true;
}

bool RequestReader::read_body(std::string_view octets) {
  if (framing_.kind == Framing::Kind::chunked) return read_chunks(octets);
  const auto missing = static_cast<std::size_t>(framing_.content_length - body_.size());
  const auto piece = octets.substr(position_, missing);
  body_.append(piece);
  position_ += piece.size();
  if (piece.size() < missing) return false;
  end_request();
  return true;
}

bool RequestReader::read_chunks(std::string_view octets) {
  std::size_t consumed = 0;
  const auto status = chunks_.decode(octets.substr(position_), body_, consumed);
  position_ += consumed;
  if (status == ChunkDecoder::Status::refused) return refuse(chunks_.refusal());
  if (status == ChunkDecoder::Status::more) return false;
  chunks_.reset();
  end_request();
  return true;
}

void RequestReader::describe_head() {
  const RequestHead& head = parser_.head();
  request_ = line("method", head.method) + line("target", head.target) + line("path", head.path) +
             line("query", head.query) + line("host", head.host) +
             (head.scheme.empty() ? "" : line("scheme", head.scheme)) +
             line("version", to_string(head.version));
  for (const Header& header : head.headers) {
    request_ += line("header " + std::string{header.name} + ':', header.value);
  }
  for (const std::string_view name : head.dropped) request_ += line("dropped", name);
  switch (framing_.kind) {
    case Framing::Kind::none:
      request_ += "framing none\n";
      break;
    case Framing::Kind::length:
      request_ += line("framing length", std::to_string(framing_.content_length));
      break;
    case Framing::Kind::chunked:
      request_ += "framing chunked\n";
      break;
  }
  request_ += framing_.keep_alive ? "keep-alive yes\n" : "keep-alive no\n";
  if (framing_.expect_continue) request_ += "expect-continue\n";
}

void RequestReader::end_request() {
  transcript_ += request_ + line("body", whole(body_)) + "end\n";
  body_.clear();
  in_body_ = false;
}

bool RequestReader::refuse(const Refusal& refusal) {
  transcript_ += "refused " + std::to_string(refusal.status) + ' ' +
                 std::string{to_string(refusal.reason)} + ": " + std::string{refusal.rule} + '\n';
  refused_ = true;
  return false;
}

}  // namespace spawning::test
