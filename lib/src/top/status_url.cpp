// SPDX-License-Identifier: MIT
#include <charconv>

#include "spawning/error.hpp"
#include "spawning/status_client.hpp"

namespace spawning {
namespace {

constexpr std::string_view kScheme = "http://";
constexpr const char* kThisMachine = "127.0.0.1";
constexpr std::uint16_t kUsualPort = 80;  // of an http:// that names none

[[noreturn]] void throw_expected(std::string_view text) {
  throw StartupError{"expected the URL of a status server, such as http://127.0.0.1:9080, not \"" +
                     std::string{text} + "\""};
}

// 0: there is none.
std::uint16_t port_of(std::string_view digits) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return error == std::errc{} && end == digits.data() + digits.size() ? port : std::uint16_t{0};
}

bool is_host(std::string_view text) {
  if (text.starts_with('[')) return text.size() > 2 && text.ends_with(']');
  for (const char c : text) {
    if (c <= ' ' || c >= '\x7f' || std::string_view{":@[]?#\"\\"}.find(c) != std::string_view::npos)
      return false;
  }
  return !text.empty();
}

}  // namespace

StatusUrl StatusUrl::parse(std::string_view text) {
  std::string_view rest = text;
  const bool has_scheme = rest.starts_with(kScheme);
  if (has_scheme) rest.remove_prefix(kScheme.size());
  rest = rest.substr(0, rest.find('/'));
  const std::size_t bracket = rest.find(']');
  const std::size_t colon = rest.find(':', bracket == std::string_view::npos ? 0 : bracket);
  StatusUrl url;
  std::string_view host = rest.substr(0, colon);
  if (colon != std::string_view::npos) {
    url.port = port_of(rest.substr(colon + 1));
  } else if (has_scheme) {
    url.port = kUsualPort;
  } else {
    url.port = port_of(rest);
    host = {};
  }
  if (host.empty() && !has_scheme) host = kThisMachine;
  if (url.port == 0 || !is_host(host)) throw_expected(text);
  url.host = host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
  return url;
}

std::string StatusUrl::authority() const {
  const bool brackets = host.find(':') != std::string::npos;
  return (brackets ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string StatusUrl::to_string() const { return "http://" + authority(); }

}  // namespace spawning
