// SPDX-License-Identifier: MIT
#include "http/forwarded_element.hpp"

#include <algorithm>
#include <array>

#include "http/field_list.hpp"
#include "http/octets.hpp"
#include "spawning/headers.hpp"

namespace spawning {
namespace {

constexpr std::uint64_t kLargestPort = 65'535;
constexpr octets::Class kHidden = octets::alphanumeric_and("._-");

// RFC 7239 §6.3: "_" and at least one more.
bool is_hidden(std::string_view text) {
  const char* const end = text.data() + text.size();
  return text.size() > 1 && text.front() == '_' && octets::skip(kHidden, text.data(), end) == end;
}

bool parse_port(std::string_view text, std::uint16_t& port) {
  std::uint64_t number = 0;
  if (is_hidden(text)) return true;
  if (text.size() > 5 || !parse_decimal(text, number) || number > kLargestPort) return false;
  port = static_cast<std::uint16_t>(number);
  return true;
}

// `name` and, if any, ":" and a port.
ForwardedNode node_of(std::string_view name, std::string_view port, bool v6) {
  ForwardedNode node;
  node.kind = ForwardedNode::Kind::malformed;
  if (!port.empty() && (port.front() != ':' || !parse_port(port.substr(1), node.port))) return node;
  if (!v6 && (equals_ignoring_case(name, "unknown") || is_hidden(name))) {
    node.kind = ForwardedNode::Kind::hidden;
    return node;
  }
  const auto address = IpAddress::parse(name);
  const bool written_as_v6 = name.find(':') != name.npos;
  if (!address || written_as_v6 != v6) return node;
  node.kind = ForwardedNode::Kind::address;
  node.address = *address;
  return node;
}

// A quoted string's end, behind the quote; npos if there is none.
std::size_t quoted_end(std::string_view text, bool& escapes) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') return i + 1;
    if (text[i] != '\\') continue;
    escapes = true;
    ++i;
  }
  return text.npos;
}

// Takes a token off the front of `text`; "" if there is none.
std::string_view take_token(std::string_view& text) {
  const char* const end = octets::skip_token(text.data(), text.data() + text.size());
  const auto token = text.substr(0, static_cast<std::size_t>(end - text.data()));
  text.remove_prefix(token.size());
  return token;
}

// Takes a token or a quoted string off the front of `text`. False if there is none.
bool take_value(std::string_view& text, std::string_view& value, bool& escapes) {
  escapes = false;
  if (!text.starts_with('"')) {
    value = take_token(text);
    return !value.empty();
  }
  const auto end = quoted_end(text, escapes);
  if (end == text.npos) return false;
  value = text.substr(1, end - 2);
  text.remove_prefix(end);
  return true;
}

}  // namespace

ForwardedNode ForwardedNode::parse(std::string_view text) {
  if (text.starts_with('[')) {
    const auto bracket = text.find(']');
    if (bracket == text.npos) return {Kind::malformed, {}, 0};
    return node_of(text.substr(1, bracket - 1), text.substr(bracket + 1), true);
  }
  const auto colon = std::min(text.find(':'), text.size());
  return node_of(text.substr(0, colon), text.substr(colon), false);
}

ForwardedNode ForwardedNode::parse_x_forwarded_for(std::string_view text) {
  const bool bare_v6 = !text.starts_with('[') && std::ranges::count(text, ':') > 1;
  return bare_v6 ? node_of(text, {}, true) : parse(text);
}

bool ForwardedElement::parse(std::string_view text) {
  *this = {};
  for (bool more = true; more;) {
    text = octets::trim(text);
    if (!text.empty() && text.front() != ';') {
      const std::string_view name = take_token(text);
      if (name.empty() || !text.starts_with('=')) return false;
      text.remove_prefix(1);
      std::string_view value;
      bool escapes = false;
      if (!take_value(text, value, escapes) || !store(name, value, escapes)) return false;
      text = octets::trim(text);
    }
    more = text.starts_with(';');
    if (more) text.remove_prefix(1);
  }
  return text.empty();
}

bool ForwardedElement::store(std::string_view name, std::string_view value, bool escapes) {
  struct Parameter {
    std::string_view name;
    std::string_view ForwardedElement::*value;
  };
  static constexpr std::array<Parameter, 4> kParameters{{{"for", &ForwardedElement::node},
                                                         {"proto", &ForwardedElement::proto},
                                                         {"host", &ForwardedElement::host},
                                                         {"by", &ForwardedElement::by_}}};
  for (const Parameter& parameter : kParameters) {
    if (!equals_ignoring_case(name, parameter.name)) continue;
    std::string_view& stored = this->*parameter.value;
    if (!stored.empty() || value.empty() || escapes) return false;
    stored = value;
  }
  return true;
}

}  // namespace spawning
