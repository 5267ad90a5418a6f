// SPDX-License-Identifier: MIT
#include "http/request_parser.hpp"

#include <algorithm>

#include "http/octets.hpp"
#include "http/request_target.hpp"

namespace spawning {
namespace {

using Reason = RefusalReason;

constexpr std::size_t kLongestMethod = 64;
constexpr std::string_view kVersionPattern = "HTTP/0.0\r\n";  // 0: any digit

std::string_view view(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

// What a misplaced octet is called in the log.
std::string_view describe(char octet, std::string_view otherwise) {
  if (octet == '\n') return "bare LF in the head";
  if (octet == '\r') return "misplaced CR in the head";
  return otherwise;
}

}  // namespace

RequestParser::Status RequestParser::parse(std::string_view input) {
  if (status_ != Status::incomplete || input.empty()) return status_;
  size_ = input.size();
  if (input.data() != begin_) {
    if (begin_ != nullptr) reset();
    begin_ = at_ = element_ = input.data();
    limit_part_to(limits_.request_line);
  }
  stop_ = begin_ + std::min<std::uint64_t>(size_, part_end_);
  while (step()) {
  }
  return status_;
}

void RequestParser::reset() {
  status_ = Status::incomplete;
  phase_ = Phase::leading;
  hosts_ = 0;
  begin_ = at_ = element_ = stop_ = nullptr;
  // What else there is of it is set before it can be seen; zeroing it all would take longer.
  head_.method = head_.target = {};
  head_.version = HttpVersion::http_1_1;
  headers_.clear();
  dropped_.clear();
}

bool RequestParser::step() {
  switch (phase_) {
    case Phase::leading:
      return parse_leading();
    case Phase::leading_lf:
      return parse_leading_lf();
    case Phase::request_line:
      return parse_request_line_start();
    case Phase::method:
      return parse_method();
    case Phase::target:
      return parse_target();
    case Phase::version:
      return parse_version();
    case Phase::field:
      return parse_field_start();
    case Phase::name:
      return parse_name();
    case Phase::value:
      return parse_value();
    case Phase::value_lf:
      return parse_value_lf();
    case Phase::end_lf:
      return parse_end_lf();
  }
  return false;
}

bool RequestParser::parse_leading() {
  if (at_ == stop_) return run_out();
  if (*at_ != '\r') {
    begin_element(Phase::method);
    return true;
  }
  ++at_;
  phase_ = Phase::leading_lf;
  return true;
}

bool RequestParser::parse_leading_lf() {
  if (at_ == stop_) return run_out();
  if (*at_ != '\n') return refuse(Reason::request_line, "bare CR in the head");
  ++at_;
  limit_part_to(limits_.request_line);
  phase_ = Phase::request_line;
  return true;
}

bool RequestParser::parse_request_line_start() {
  if (at_ == stop_) return run_out();
  begin_element(Phase::method);
  return true;
}

bool RequestParser::parse_method() {
  const auto room =
      std::min<std::size_t>(static_cast<std::size_t>(stop_ - element_), kLongestMethod + 1);
  at_ = octets::skip_token(at_, element_ + room);
  const auto method = view(element_, at_);
  if (method.size() > kLongestMethod) return refuse(Reason::method, "method too long");
  if (at_ == stop_) return run_out();
  if (*at_ != ' ')
    return refuse(Reason::request_line, describe(*at_, "invalid octet in the method"));
  if (method.empty()) return refuse(Reason::request_line, "request line that begins with a space");
  head_.method = method;
  ++at_;
  begin_element(Phase::target);
  return true;
}

bool RequestParser::parse_target() {
  at_ = octets::skip_target(at_, stop_);
  if (at_ == stop_) return run_out();
  head_.target = view(element_, at_);
  if (*at_ == '\r') return refuse(Reason::request_line, "request line without a version");
  if (*at_ != ' ')
    return refuse(Reason::request_line, describe(*at_, "invalid octet in the target"));
  if (head_.target.empty()) return refuse(Reason::request_line, "empty target");
  ++at_;
  begin_element(Phase::version);
  return true;
}

bool RequestParser::parse_version() {
  // Ten octets at most, so looking at them again after a short read costs nothing.
  const auto text = view(element_, stop_).substr(0, kVersionPattern.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char expected = kVersionPattern[i];
    if (text[i] != expected && !(expected == '0' && octets::is_digit(text[i])))
      return refuse(Reason::request_line, describe(text[i], "malformed version"));
    if (i == 7 && text[5] != '1') return refuse(Reason::version, "version that is not HTTP/1.x");
  }
  if (text.size() < kVersionPattern.size()) {
    at_ = stop_;
    return run_out();
  }
  head_.version = text[7] == '0' ? HttpVersion::http_1_0 : HttpVersion::http_1_1;
  at_ = element_ + kVersionPattern.size();
  return end_request_line();
}

bool RequestParser::end_request_line() {
  if (head_.method == "CONNECT" || head_.method == "TRACE")
    return refuse(Reason::method, "method that no application sees");
  RequestTarget parts;
  if (const auto rule = split_target(head_.method, head_.target, parts); !rule.empty())
    return refuse(Reason::request_line, rule);
  head_.path = parts.path;
  head_.query = parts.query;
  head_.host = parts.host;
  head_.scheme = parts.scheme;
  limit_part_to(limits_.header_octets);
  begin_element(Phase::field);
  return true;
}

bool RequestParser::parse_field_start() {
  if (at_ == stop_) return run_out();
  const std::size_t count = headers_.size() + dropped_.size();
  if (octets::is_blank(*at_))
    return refuse(Reason::header,
                  count == 0 ? "blank before the first field" : "folded field line");
  if (*at_ == '\r') {
    ++at_;
    phase_ = Phase::end_lf;
    return true;
  }
  if (count == limits_.header_count) return refuse(Reason::header_size, "too many fields");
  underscored_ = false;
  begin_element(Phase::name);
  return parse_name();
}

bool RequestParser::parse_name() {
  at_ = octets::skip_token(at_, stop_, octets::kDashedToken);
  if (at_ != stop_ && *at_ == '_' && !parse_rest_of_name()) return false;
  if (at_ == stop_) return run_out();
  name_ = view(element_, at_);
  if (*at_ != ':') {
    if (octets::is_blank(*at_)) return refuse(Reason::header, "blank in or after a field name");
    if (*at_ == '\r') return refuse(Reason::header, "field line without a colon");
    return refuse(Reason::header, describe(*at_, "invalid octet in a field name"));
  }
  if (name_.empty()) return refuse(Reason::header, "empty field name");
  ++at_;
  begin_element(Phase::value);
  return parse_value();
}

// From an underscore on. Seldom, so kept out of the way of the usual names.
[[gnu::cold, gnu::noinline]] bool RequestParser::parse_rest_of_name() {
  if (header_map_ == HeaderMap::refuse)
    return refuse(Reason::header_name, "underscore in a field name");
  underscored_ = true;
  at_ = octets::skip_token(at_, stop_);
  return true;
}

bool RequestParser::parse_value() {
  at_ = octets::skip_text(at_, stop_);
  if (at_ == stop_) return run_out();
  if (*at_ != '\r') return refuse(Reason::header, describe(*at_, "control octet in a field value"));
  ++at_;
  phase_ = Phase::value_lf;
  return parse_value_lf();
}

bool RequestParser::parse_value_lf() {
  if (at_ == stop_) return run_out();
  if (*at_ != '\n') return refuse(Reason::header, "bare CR in the head");
  const auto value = octets::trim(view(element_, at_ - 1));
  ++at_;
  if (underscored_ && header_map_ == HeaderMap::drop) {
    dropped_.push_back(name_);
  } else {
    headers_.push_back({name_, value});
  }
  if (name_.size() == 4 && equals_ignoring_case(name_, "host")) {
    if (++hosts_ > 1) return refuse(Reason::host, "more than one Host");
    host_field_ = value;
  }
  phase_ = Phase::field;
  return true;
}

bool RequestParser::parse_end_lf() {
  if (at_ == stop_) return run_out();
  if (*at_ != '\n') return refuse(Reason::header, "bare CR in the head");
  ++at_;
  return end_head();
}

bool RequestParser::end_head() {
  if (hosts_ == 0 && head_.version == HttpVersion::http_1_1) return refuse(Reason::host, "no Host");
  if (hosts_ == 1 && !is_authority(host_field_)) return refuse(Reason::host, "malformed Host");
  // RFC 9112 §3.2.2: with a target in absolute-form the Host field is ignored.
  if (head_.host.empty() && hosts_ == 1) head_.host = host_field_;
  head_.headers = headers_;
  head_.dropped = dropped_;
  status_ = Status::complete;
  return false;
}

void RequestParser::begin_element(Phase phase) {
  phase_ = phase;
  element_ = at_;
}

// The part that begins here may have that many octets, and a CRLF: its own, or the one after the
// fields.
void RequestParser::limit_part_to(Bytes octets) {
  constexpr auto kNoOverflow = std::uint64_t{1} << 62;
  part_end_ = static_cast<std::uint64_t>(at_ - begin_) + std::min(octets.count, kNoOverflow) + 2;
  stop_ = begin_ + std::min<std::uint64_t>(size_, part_end_);
}

bool RequestParser::run_out() {
  if (static_cast<std::uint64_t>(stop_ - begin_) < part_end_) return false;
  return phase_ < Phase::field ? refuse(Reason::request_line_size, "request line over the limit")
                               : refuse(Reason::header_size, "header fields over the limit");
}

bool RequestParser::refuse(RefusalReason reason, std::string_view rule) {
  refusal_ = refusal_for(reason, rule);
  status_ = Status::refused;
  return false;
}

}  // namespace spawning
