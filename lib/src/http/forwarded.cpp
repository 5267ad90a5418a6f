// SPDX-License-Identifier: MIT
#include "http/forwarded.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "http/field_list.hpp"
#include "http/forwarded_element.hpp"
#include "http/octets.hpp"
#include "http/request_target.hpp"

namespace spawning {
namespace {

using NodeKind = ForwardedNode::Kind;

constexpr std::string_view kPrefix = "x-forwarded-";
constexpr std::string_view kHttp = "http", kHttps = "https";

enum class Kind : std::uint8_t {
  unrelated,
  forwarded,
  x_for,
  x_proto,
  x_host,
  x_port,
  x_other,
  disguised,  // an underscore where a dash belongs
};

bool has_prefix(std::string_view name) {
  for (std::size_t i = 0; i < kPrefix.size(); ++i) {
    const char c = name[i] == '_' ? '-' : static_cast<char>(name[i] | 0x20);
    if (c != kPrefix[i]) return false;
  }
  return true;
}

Kind kind_of_x(std::string_view name) {
  if (name.find('_') != name.npos) return Kind::disguised;
  const auto rest = name.substr(kPrefix.size());
  if (equals_ignoring_case(rest, "for")) return Kind::x_for;
  if (equals_ignoring_case(rest, "proto")) return Kind::x_proto;
  if (equals_ignoring_case(rest, "host")) return Kind::x_host;
  if (equals_ignoring_case(rest, "port")) return Kind::x_port;
  return Kind::x_other;
}

// Most fields are none of ours: their length and their first letter say so for next to nothing.
Kind kind_of(std::string_view name) {
  if (name.size() < 9) return Kind::unrelated;
  if (name.size() == 9)
    return equals_ignoring_case(name, "forwarded") ? Kind::forwarded : Kind::unrelated;
  const bool ours =
      name.size() >= kPrefix.size() && (name.front() | 0x20) == 'x' && has_prefix(name);
  return ours ? kind_of_x(name) : Kind::unrelated;
}

// What a head has of these fields.
struct Presence {
  bool forwarded = false;
  bool x_forwarded = false;  // one of the four that are heard
  bool others = false;
};

Presence presence_in(Headers fields) {
  Presence presence;
  for (const Header& field : fields) {
    switch (kind_of(field.name)) {
      case Kind::unrelated:
        break;
      case Kind::forwarded:
        presence.forwarded = true;
        break;
      case Kind::x_for:
      case Kind::x_proto:
      case Kind::x_host:
      case Kind::x_port:
        presence.x_forwarded = true;
        break;
      case Kind::x_other:
      case Kind::disguised:
        presence.others = true;
        break;
    }
  }
  return presence;
}

// Whether the quote at `at`, in a quoted string, is escaped: behind an odd number of backslashes.
bool is_escaped(std::string_view text, std::size_t at) {
  std::size_t backslashes = 0;
  while (backslashes < at && text[at - 1 - backslashes] == '\\') ++backslashes;
  return backslashes % 2 == 1;
}

// The last comma that is not in a quoted string, or npos. From the right, because that is the end
// which somebody trusted wrote: whatever quotes stand on the left, they cannot change what is here.
std::size_t last_comma(std::string_view text) {
  bool quoted = false;
  for (std::size_t i = text.size(); i-- > 0;) {
    if (text[i] == '"' && !(quoted && is_escaped(text, i))) quoted = !quoted;
    if (text[i] == ',' && !quoted) return i;
  }
  return text.npos;
}

// The elements of all fields of one kind, the last first. Empty ones are none (RFC 9110 §5.6.1).
class ElementsBackward {
 public:
  ElementsBackward(Headers fields, Kind kind) : fields_{fields}, kind_{kind} {}

  bool next(std::string_view& element) {
    do {
      while (rest_.empty()) {
        if (fields_.empty()) return false;
        const Header& field = fields_.back();
        fields_ = fields_.first(fields_.size() - 1);
        if (kind_of(field.name) == kind_) rest_ = field.value;
      }
      const auto comma = kind_ == Kind::forwarded ? last_comma(rest_) : rest_.rfind(',');
      const bool last = comma == rest_.npos;
      element = octets::trim(last ? rest_ : rest_.substr(comma + 1));
      rest_ = last ? std::string_view{} : rest_.substr(0, comma);
    } while (element.empty());
    return true;
  }

 private:
  Headers fields_;
  Kind kind_;
  std::string_view rest_;  // of the field that is being read
};

// The element at that place from the right, the rightmost if there are fewer, "" if there is none.
std::string_view element_at(Headers fields, Kind kind, std::size_t place) {
  ElementsBackward elements{fields, kind};
  std::string_view element, rightmost;
  if (!elements.next(rightmost)) return {};
  element = rightmost;
  for (std::size_t i = 0; i < place; ++i) {
    if (!elements.next(element)) return rightmost;
  }
  return element;
}

void set_scheme(std::string_view proto, Origin& origin) {
  if (equals_ignoring_case(proto, kHttps)) origin.scheme = kHttps;
}

void set_host(std::string_view host, Origin& origin) {
  if (is_authority(host)) origin.host = host;
}

}  // namespace

Origin ForwardedReader::read(const RequestHead& head, const Address& peer,
                             const TrustedProxies& trusted) {
  Origin origin{.client = &peer,
                .scheme = head.scheme.empty() ? kHttp : head.scheme,
                .host = head.host,
                .headers = head.headers};
  const Presence presence = presence_in(head.headers);
  if (!presence.forwarded && !presence.x_forwarded && !presence.others) return origin;
  const bool hear = trusted.trusts(peer);
  if (hear && presence.x_forwarded) {
    hear_x_forwarded(head.headers, trusted, origin);
  } else if (hear && presence.forwarded) {
    hear_forwarded(head.headers, trusted, origin);
  }
  keep_all_but(head, hear, presence.x_forwarded, origin);
  return origin;
}

void ForwardedReader::keep_all_but(const RequestHead& head, bool trusted, bool x_forwarded,
                                   Origin& origin) {
  const auto left_out = [trusted, x_forwarded](const Header& field) {
    const Kind kind = kind_of(field.name);
    if (kind == Kind::unrelated) return false;
    return !trusted || kind == Kind::disguised || (kind == Kind::forwarded && x_forwarded);
  };
  if (std::ranges::none_of(head.headers, left_out)) return;
  fields_.clear();
  std::ranges::remove_copy_if(head.headers, std::back_inserter(fields_), left_out);
  origin.headers = fields_;
}

void ForwardedReader::hear_x_forwarded(Headers fields, const TrustedProxies& trusted,
                                       Origin& origin) {
  ElementsBackward hops{fields, Kind::x_for};
  ForwardedNode client;
  std::size_t place = 0;  // of the hop that is looked at
  std::size_t said = 0;   // of the last one that was not malformed
  for (std::string_view text; hops.next(text); ++place) {
    const auto node = ForwardedNode::parse_x_forwarded_for(text);
    if (node.kind == NodeKind::malformed) break;
    said = place;
    if (node.kind == NodeKind::hidden) break;
    client = node;
    if (!trusted.trusts(node.address)) break;
  }
  if (client.kind == NodeKind::address) {
    client.address.write(client_, client.port);
    origin.client = &client_;
  }
  set_scheme(element_at(fields, Kind::x_proto, said), origin);
  set_host(element_at(fields, Kind::x_host, said), origin);
  set_port(element_at(fields, Kind::x_port, said), origin);
}

void ForwardedReader::hear_forwarded(Headers fields, const TrustedProxies& trusted,
                                     Origin& origin) {
  ElementsBackward hops{fields, Kind::forwarded};
  ForwardedNode client;
  ForwardedElement said;
  for (std::string_view text; hops.next(text);) {
    ForwardedElement element;
    if (!element.parse(text)) break;
    const auto node = element.node.empty() ? ForwardedNode{} : ForwardedNode::parse(element.node);
    if (node.kind == NodeKind::malformed) break;
    said = element;
    if (node.kind == NodeKind::hidden) break;
    client = node;
    if (!trusted.trusts(node.address)) break;
  }
  if (client.kind == NodeKind::address) {
    client.address.write(client_, client.port);
    origin.client = &client_;
  }
  set_scheme(said.proto, origin);
  set_host(said.host, origin);
}

void ForwardedReader::set_port(std::string_view port, Origin& origin) {
  std::uint64_t number = 0;
  if (origin.host.empty() || port.size() > 5 || !parse_decimal(port, number) || number == 0 ||
      number > 65'535)
    return;
  const auto name_end = origin.host.front() == '['
                            ? origin.host.find(']') + 1
                            : std::min(origin.host.find(':'), origin.host.size());
  const auto name = origin.host.substr(0, name_end);
  if (number == (origin.scheme == kHttps ? 443U : 80U)) {
    origin.host = name;
    return;
  }
  host_.assign(name);
  host_ += ':';
  char digits[5];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  host_.append(digits, end);
  origin.host = host_;
}

}  // namespace spawning
