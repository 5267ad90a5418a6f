// SPDX-License-Identifier: MIT
#include "spawning/trusted_proxies.hpp"

#include <algorithm>
#include <charconv>

#include "spawning/error.hpp"

namespace spawning {
namespace {

constexpr unsigned kAllBits = 128;
constexpr unsigned kMappedBits = 96;  // before an IPv4 address

[[noreturn]] void refuse(std::string_view entry, std::string_view why) {
  throw StartupError{"\"" + std::string{entry} + "\" " + std::string{why}};
}

std::string_view without_blanks(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const auto first = text.find_first_not_of(kBlanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool same_prefix(const IpAddress& a, const IpAddress& b, unsigned bits) {
  const unsigned whole = bits / 8;
  if (!std::equal(a.octets.begin(), a.octets.begin() + whole, b.octets.begin())) return false;
  if (bits % 8 == 0) return true;
  const auto differing = static_cast<unsigned>(a.octets[whole] ^ b.octets[whole]);
  return differing >> (8 - bits % 8) == 0;
}

bool has_bits_beyond(const IpAddress& address, unsigned bits) {
  for (unsigned bit = bits; bit < kAllBits; ++bit) {
    if ((address.octets[bit / 8] >> (7 - bit % 8) & 1) != 0) return true;
  }
  return false;
}

}  // namespace

TrustedProxies TrustedProxies::parse(std::string_view list) {
  TrustedProxies trusted;
  if (without_blanks(list).empty()) return trusted;
  for (bool more = true; more;) {
    const auto comma = list.find(',');
    more = comma != list.npos;
    trusted.add(without_blanks(list.substr(0, comma)));
    list.remove_prefix(more ? comma + 1 : list.size());
  }
  return trusted;
}

void TrustedProxies::add(std::string_view entry) {
  text_ += (text_.empty() ? "" : ",") + std::string{entry};
  if (entry == "*") {
    everybody_ = true;
    return;
  }
  if (entry == "unix") {
    unix_peers_ = true;
    return;
  }
  const auto slash = entry.find('/');
  const auto address_text = entry.substr(0, slash);
  const auto address = IpAddress::parse(address_text);
  unsigned bits = kAllBits;
  if (slash != entry.npos && address) {
    const bool v4 = address_text.find(':') == address_text.npos;
    const char* const end = entry.data() + entry.size();
    const auto [stop, error] = std::from_chars(entry.data() + slash + 1, end, bits);
    if (error != std::errc{} || stop != end || bits > (v4 ? 32 : kAllBits))
      refuse(entry,
             v4 ? "is no network: expected /0 to /32" : "is no network: expected /0 to /128");
    if (v4) bits += kMappedBits;
  }
  if (!address)
    refuse(entry, "is no address or network; expected such as 192.0.2.1, 10.0.0.0/8, ::1, unix, *");
  if (has_bits_beyond(*address, bits)) refuse(entry, "has bits beyond its prefix");
  networks_.push_back({*address, bits});
}

bool TrustedProxies::trusts(const Address& peer) const {
  if (everybody_) return true;
  if (peer.family == Address::Family::unix_path) return unix_peers_;
  const auto address = IpAddress::of(peer);
  return address && trusts(*address);
}

bool TrustedProxies::trusts(const IpAddress& peer) const {
  return everybody_ || std::ranges::any_of(networks_, [&peer](const Network& network) {
           return network.address.v4 == peer.v4 && same_prefix(network.address, peer, network.bits);
         });
}

}  // namespace spawning
