// SPDX-License-Identifier: MIT
#include "support/request_reader.hpp"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <random>
#include <stdexcept>

namespace spawning::test {
namespace {

void require(bool promise, const char* broken) {
  if (!promise) throw std::logic_error{broken};
}

bool lies_in(std::string_view octets, std::string_view view) {
  const std::less_equal<const char*> not_after;
  return view.empty() || (not_after(octets.data(), view.data()) &&
                          not_after(view.data() + view.size(), octets.data() + octets.size()));
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

// In memory of its own that ends where the octets do, for AddressSanitizer to see who goes beyond.
void read_moved(RequestReader& reader, std::string_view octets) {
  const auto memory = std::make_unique<char[]>(octets.size());
  std::copy(octets.begin(), octets.end(), memory.get());
  reader.read({memory.get(), octets.size()});
}

HttpLimits tight_limits() {
  HttpLimits limits;
  limits.request_line.count = 40;
  limits.header_octets.count = 120;
  limits.header_count = 4;
  limits.body.count = 24;
  return limits;
}

void compare_cuts(std::string_view octets, const HttpLimits& limits, HeaderMap header_map,
                  unsigned seed) {
  constexpr std::size_t kMoves = 6;
  std::minstd_rand random{seed};
  const auto up_to = [&random](std::size_t most) {
    return std::uniform_int_distribution<std::size_t>{1, most}(random);
  };
  RequestReader whole{limits, header_map}, cut{limits, header_map}, moved{limits, header_map};

  read_moved(whole, octets);
  const std::size_t longest = up_to(32);
  for (std::size_t end = 0; end < octets.size();) {
    end = std::min(end + up_to(longest), octets.size());
    cut.read(octets.substr(0, end));
  }
  for (std::size_t end = 0; end < octets.size();) {
    end = std::min(end + up_to(octets.size() / kMoves * 2 + 1), octets.size());
    read_moved(moved, octets.substr(0, end));
  }

  require(whole.transcript() == cut.transcript(), "it matters where octets are cut");
  require(whole.transcript() == moved.transcript(), "it matters where octets lie");
}

}  // namespace

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
  check_head(octets.substr(position_));
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
  require(consumed <= octets.size() - position_, "a decoder used more than it was given");
  require(body_.size() <= limits_.body.count, "a body is over its limit");
  position_ += consumed;
  if (status == ChunkDecoder::Status::refused) return refuse(chunks_.refusal());
  if (status == ChunkDecoder::Status::more) return false;
  chunks_.reset();
  end_request();
  return true;
}

void RequestReader::check_head(std::string_view input) const {
  const RequestHead& head = parser_.head();
  require(parser_.consumed() <= input.size(), "a parser used more than it was given");
  const std::string_view used = input.substr(0, parser_.consumed());
  require(used.ends_with("\r\n\r\n"), "a head ends without an empty line");
  const bool constant = head.path == "/" || head.path == "*";
  for (const auto view : {head.method, head.target, head.query, head.host})
    require(lies_in(used, view), "a view into a request line lies elsewhere");
  require(constant || lies_in(used, head.path), "a path lies elsewhere");
  require(head.headers.size() + head.dropped.size() <= limits_.header_count, "too many fields");
  for (const Header& header : head.headers)
    require(lies_in(used, header.name) && lies_in(used, header.value), "a field lies elsewhere");
  for (const auto name : head.dropped) require(lies_in(used, name), "a name lies elsewhere");
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
  require(refusal.status == status_of(refusal.reason), "a refusal has another reason's status");
  require(!refusal.rule.empty(), "a refusal names no rule");
  transcript_ += "refused " + std::to_string(refusal.status) + ' ' +
                 std::string{to_string(refusal.reason)} + ": " + std::string{refusal.rule} + '\n';
  refused_ = true;
  return false;
}

void read_in_every_way(std::string_view octets) {
  const auto seed = static_cast<unsigned>(std::hash<std::string_view>{}(octets));
  constexpr HeaderMap kMaps[] = {HeaderMap::drop, HeaderMap::refuse, HeaderMap::dangerous};
  compare_cuts(octets, {}, kMaps[seed % 3], seed);
  compare_cuts(octets, tight_limits(), kMaps[(seed + 1) % 3], seed);
}

}  // namespace spawning::test
