// SPDX-License-Identifier: MIT
#include "http/request_target.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "http/octets.hpp"
#include "spawning/headers.hpp"

namespace spawning {
namespace {

bool is_ipv6(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size()) return false;
  std::copy(text.begin(), text.end(), terminated.begin());
  in6_addr address;
  return ::inet_pton(AF_INET6, terminated.data(), &address) == 1;
}

bool is_port(std::string_view text) {
  unsigned port = 0;
  for (const char c : text) {
    if (!octets::is_digit(c)) return false;
    port = port * 10 + static_cast<unsigned>(c - '0');
  }
  return text.size() <= 5 && port <= 65535;
}

// Whether each "%" begins an escape, and none of them stands for NUL.
bool is_escaped_well(std::string_view text) {
  for (auto at = text.find('%'); at != text.npos; at = text.find('%', at + 1)) {
    if (at + 2 >= text.size()) return false;
    const int high = octets::hex_value(text[at + 1]), low = octets::hex_value(text[at + 2]);
    if (high < 0 || low < 0 || high + low == 0) return false;
  }
  return true;
}

bool is_host_name(std::string_view text) {
  const char* const end = text.data() + text.size();
  return !text.empty() && octets::skip(octets::kHostName, text.data(), end) == end &&
         is_escaped_well(text);
}

void split_query(std::string_view rest, RequestTarget& parts) {
  const auto mark = rest.find('?');
  parts.path = rest.substr(0, mark);
  parts.query = mark == rest.npos ? std::string_view{} : rest.substr(mark + 1);
}

std::string_view split_absolute(std::string_view method, std::string_view target,
                                RequestTarget& parts) {
  const auto colon = target.find("://");
  if (colon == target.npos) return "target of no known form";
  for (const std::string_view scheme : {"http", "https"}) {
    if (equals_ignoring_case(target.substr(0, colon), scheme)) parts.scheme = scheme;
  }
  if (parts.scheme.empty()) return "target of no known form";
  const auto rest = target.substr(colon + 3);
  const auto authority_end = std::min(rest.find_first_of("/?"), rest.size());
  parts.host = rest.substr(0, authority_end);
  if (!is_authority(parts.host)) return "malformed authority in the target";
  split_query(rest.substr(authority_end), parts);
  // RFC 9112 §3.2.4: how a client asks for `*` through a proxy.
  if (parts.path.empty())
    parts.path = method == "OPTIONS" && authority_end == rest.size() ? "*" : "/";
  return {};
}

}  // namespace

std::string_view split_target(std::string_view method, std::string_view target,
                              RequestTarget& parts) {
  parts = {};
  if (target == "*") {
    parts.path = target;
    return method == "OPTIONS" ? std::string_view{} : "target * without OPTIONS";
  }
  if (target.starts_with('/')) {
    split_query(target, parts);
  } else if (const auto rule = split_absolute(method, target, parts); !rule.empty()) {
    return rule;
  }
  return is_escaped_well(parts.path) ? std::string_view{} : "malformed escape in the target";
}

bool is_authority(std::string_view text) {
  std::size_t host_end = 0;
  if (text.starts_with('[')) {
    const auto bracket = text.find(']');
    if (bracket == text.npos || !is_ipv6(text.substr(1, bracket - 1))) return false;
    host_end = bracket + 1;
  } else {
    host_end = std::min(text.find(':'), text.size());
    if (!is_host_name(text.substr(0, host_end))) return false;
  }
  const auto rest = text.substr(host_end);
  return rest.empty() || (rest.front() == ':' && is_port(rest.substr(1)));
}

}  // namespace spawning
