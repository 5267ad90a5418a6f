// SPDX-License-Identifier: MIT
#include "http/response_encoder.hpp"

#include <charconv>
#include <cstring>
#include <stdexcept>

#include "http/field_list.hpp"
#include "http/octets.hpp"
#include "http/status_line.hpp"

namespace spawning {
namespace {

constexpr std::string_view kCrlf = "\r\n";
constexpr std::size_t kMostDigits = 20;  // of a 64-bit number

// What the author's fields say about those that we would add.
struct Stated {
  std::optional<std::uint64_t> length;
  bool date = false;
  bool server = false;
  bool request_id = false;
  bool close = false;
};

[[noreturn]] void reject(std::string_view what, std::string_view which) {
  throw std::invalid_argument{std::string{what} + ": " + std::string{which.substr(0, 80)}};
}

bool is_text(std::string_view text) {
  const char* const end = text.data() + text.size();
  return octets::skip_text(text.data(), end) == end;
}

// PEP 3333 "Other HTTP Features": applications must not set hop-by-hop fields.
bool is_hop_by_hop(std::string_view name) {
  constexpr std::string_view kNames[] = {"TE",
                                         "Trailer",
                                         "Upgrade",
                                         "Keep-Alive",
                                         "Proxy-Connection",
                                         "Transfer-Encoding",
                                         "Proxy-Authenticate",
                                         "Proxy-Authorization"};
  for (const std::string_view known : kNames) {
    if (name.size() == known.size() && equals_ignoring_case(name, known)) return true;
  }
  return false;
}

void read_length(const Header& header, Stated& stated) {
  std::uint64_t length = 0;
  if (stated.length) reject("second Content-Length", header.value);
  if (!parse_decimal(octets::trim(header.value), length))
    reject("malformed Content-Length", header.value);
  stated.length = length;
}

void read_field(const Header& header, Stated& stated) {
  if (!octets::is_token(header.name)) reject("header name that is not a token", header.name);
  if (!is_text(header.value)) reject("control character in the value of header", header.name);
  const auto is = [&header](std::string_view name) {
    return equals_ignoring_case(header.name, name);
  };
  switch (header.name.size()) {
    case 4:
      stated.date |= is("Date");
      return;
    case 6:
      stated.server |= is("Server");
      return;
    case 14:
      if (is("Content-Length")) read_length(header, stated);
      return;
    case 12:
      stated.request_id |= is("X-Request-ID");
      return;
    case 10:
      if (!is("Connection")) break;
      if (!equals_ignoring_case(octets::trim(header.value), "close"))
        reject("hop-by-hop header", "Connection");
      stated.close = true;
      return;
    default:
      break;
  }
  if (is_hop_by_hop(header.name)) reject("hop-by-hop header", header.name);
}

Stated read_head(const ResponseHead& head, unsigned least_status, unsigned most_status) {
  if (head.status < least_status || head.status > most_status)
    reject("status out of range", std::to_string(head.status));
  if (!is_text(head.reason))
    reject("control character in the reason of status", std::to_string(head.status));
  Stated stated;
  for (const Header& header : head.headers) read_field(header, stated);
  return stated;
}

// Whether a field of the author's is left out, because we state it in our own way or not at all.
bool is_restated(const Header& header, unsigned status) {
  if (header.name.size() == 10) return equals_ignoring_case(header.name, "Connection");
  return (status == 204 || status == 205) && equals_ignoring_case(header.name, "Content-Length");
}

// Writes into memory that is known to suffice.
class Writer {
 public:
  explicit Writer(char* at) : at_{at} {}

  void put(std::string_view text) {
    if (!text.empty()) std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  void put(std::uint64_t number) { at_ = std::to_chars(at_, at_ + kMostDigits, number).ptr; }
  void put_length(std::uint64_t length) {
    put("Content-Length: ");
    put(length);
    put(kCrlf);
  }
  void put_field(std::string_view name, std::string_view value) {
    put(name);
    put(": ");
    put(value);
    put(kCrlf);
  }
  [[nodiscard]] char* at() const { return at_; }

 private:
  char* at_;
};

// At least as much as the head will take: one growth of `out` instead of one for every part.
std::size_t room_for(const ResponseHead& head, const ResponseContext& context,
                     std::string_view date) {
  constexpr std::size_t kConstantParts =
      256;  // status line, names and punctuation of our own fields
  std::size_t octets = kConstantParts + head.reason.size() + date.size() + context.server.size() +
                       context.request_id.size();
  for (const Header& header : head.headers) octets += header.name.size() + header.value.size() + 4;
  return octets;
}

void put_status_line(Writer& writer, const ResponseHead& head) {
  const auto usual = status_line(head.status);
  const auto phrase = usual_phrase(head.status);
  if (!usual.empty() && (head.reason.empty() || head.reason == phrase)) return writer.put(usual);
  writer.put("HTTP/1.1 ");
  writer.put(std::uint64_t{head.status});
  writer.put(" ");
  writer.put(head.reason.empty() ? phrase : head.reason);
  writer.put(kCrlf);
}

}  // namespace

void ResponseEncoder::start(const ResponseContext& context, const ResponseHead& head,
                            std::optional<std::uint64_t> content_length, std::string_view date,
                            std::string& out) {
  const Stated stated = read_head(head, 200, 599);
  reset();
  if (context.head_request && content_length == 0u) content_length.reset();
  mode_ = choose_mode(context, head.status, stated.length ? stated.length : content_length);
  keep_alive_ = context.keep_alive && !stated.close && mode_ != Mode::close;

  const auto old_size = out.size();
  out.resize(old_size + room_for(head, context, date));
  Writer writer{out.data() + old_size};
  put_status_line(writer, head);
  if (!stated.date) writer.put_field("Date", date);
  if (!stated.server && !context.server.empty()) writer.put_field("Server", context.server);
  for (const Header& header : head.headers) {
    if (!is_restated(header, head.status)) writer.put_field(header.name, header.value);
  }
  if (!stated.request_id && !context.request_id.empty())
    writer.put_field("X-Request-ID", context.request_id);
  if (mode_ == Mode::length && !stated.length) writer.put_length(declared_);
  if (head.status == 205) writer.put_length(0);
  if (mode_ == Mode::chunked) writer.put("Transfer-Encoding: chunked\r\n");
  if (!keep_alive_) writer.put("Connection: close\r\n");
  if (keep_alive_ && context.version == HttpVersion::http_1_0)
    writer.put("Connection: keep-alive\r\n");
  writer.put(kCrlf);
  out.resize(static_cast<std::size_t>(writer.at() - out.data()));
  if (context.head_request) mode_ = Mode::bodiless;
}

// As for a GET: the response to HEAD says the same.
ResponseEncoder::Mode ResponseEncoder::choose_mode(const ResponseContext& context, unsigned status,
                                                   std::optional<std::uint64_t> length) {
  if (status == 204 || status == 205 || status == 304) return Mode::bodiless;
  if (length) {
    declared_ = *length;
    return Mode::length;
  }
  // An author who leaves the body of a response to HEAD out leaves us without its length.
  if (context.head_request) return Mode::bodiless;
  return context.version == HttpVersion::http_1_1 ? Mode::chunked : Mode::close;
}

ResponseEncoder::Piece ResponseEncoder::frame(std::string_view block) {
  block = block.substr(0, static_cast<std::size_t>(admit(block.size())));
  if (mode_ != Mode::chunked || block.empty()) return {{}, block, {}};
  return {chunk_size_line(block.size()), block, kCrlf};
}

ResponseEncoder::FilePiece ResponseEncoder::frame_file(std::uint64_t length) {
  length = admit(length);
  if (mode_ != Mode::chunked || length == 0) return {{}, length, {}};
  return {chunk_size_line(length), length, kCrlf};
}

std::uint64_t ResponseEncoder::admit(std::uint64_t octets) {
  if (mode_ == Mode::bodiless) return 0;
  if (mode_ == Mode::length && octets > declared_ - body_octets_) {
    overrun_ = true;
    octets = declared_ - body_octets_;
  }
  body_octets_ += octets;
  return octets;
}

std::string_view ResponseEncoder::chunk_size_line(std::uint64_t octets) {
  char* const end = std::to_chars(chunk_size_.data(), chunk_size_.data() + 16, octets, 16).ptr;
  end[0] = '\r';
  end[1] = '\n';
  return {chunk_size_.data(), static_cast<std::size_t>(end + 2 - chunk_size_.data())};
}

std::string_view ResponseEncoder::finish() {
  finished_ = true;
  return mode_ == Mode::chunked ? "0\r\n\r\n" : std::string_view{};
}

void encode_interim(const ResponseHead& head, std::string& out) {
  const Stated stated = read_head(head, 102, 199);
  if (stated.length) reject("length of an interim response", std::to_string(*stated.length));
  if (stated.close) reject("hop-by-hop header", "Connection");

  const auto old_size = out.size();
  out.resize(old_size + room_for(head, {}, {}));
  Writer writer{out.data() + old_size};
  put_status_line(writer, head);
  for (const Header& header : head.headers) writer.put_field(header.name, header.value);
  writer.put(kCrlf);
  out.resize(static_cast<std::size_t>(writer.at() - out.data()));
}

}  // namespace spawning
