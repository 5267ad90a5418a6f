// SPDX-License-Identifier: MIT
#include "http/proxy_header.hpp"

#include <algorithm>
#include <string>

#include "http/field_list.hpp"
#include "http/octets.hpp"
#include "spawning/ip_address.hpp"

namespace spawning {
namespace {

constexpr std::string_view kTextPrefix = "PROXY ";
constexpr std::string_view kSignature{"\r\n\r\n\0\r\nQUIT\n", 12};

// Version 2: the 13th octet is version and command, the 14th family and transport.
constexpr std::size_t kCommandAt = 12, kFamilyAt = 13, kLengthAt = 14;
constexpr unsigned kLocal = 0x20, kProxy = 0x21;
constexpr unsigned kTcp4 = 0x11, kTcp6 = 0x21, kUnixStream = 0x31;
constexpr std::size_t kPathOctets = 108;

unsigned octet_at(std::string_view octets, std::size_t at) {
  return static_cast<unsigned char>(octets[at]);
}

std::uint16_t number_at(std::string_view octets, std::size_t at) {
  return static_cast<std::uint16_t>(octet_at(octets, at) << 8 | octet_at(octets, at + 1));
}

// How many octets of addresses a family and transport has; nothing if there is no such.
std::optional<std::size_t> address_octets(unsigned family) {
  if (family == 0x00) return 0;
  const unsigned transport = family & 0xf;
  if (transport != 1 && transport != 2) return std::nullopt;
  switch (family >> 4) {
    case 1:
      return 12;
    case 2:
      return 36;
    case 3:
      return 2 * kPathOctets;
    default:
      return std::nullopt;
  }
}

Address internet_end(const IpAddress& ip, std::uint16_t port) {
  Address address;
  ip.write(address, port);
  return address;
}

// A path ends with its NUL; an abstract name begins with one, and ss(8) prints it as "@".
Address path_end(std::string_view octets) {
  std::string path{octets};
  const bool abstract = path.front() == '\0' && path.find_first_not_of('\0') != path.npos;
  if (abstract) {
    path.resize(path.find_last_not_of('\0') + 1);
    path.front() = '@';
  } else {
    path.resize(std::min(path.find('\0'), path.size()));
  }
  // It goes into the log.
  std::ranges::replace_if(
      path, [](char c) { return !octets::is_text(c); }, '?');
  return {Address::Family::unix_path, 0, std::move(path)};
}

ConnectionInfo ends_of(unsigned family, std::string_view octets) {
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(octets.data());
  if (family == kTcp4)
    return {internet_end(IpAddress::from_v4(bytes), number_at(octets, 8)),
            internet_end(IpAddress::from_v4(bytes + 4), number_at(octets, 10))};
  if (family == kTcp6)
    return {internet_end(IpAddress::from_v6(bytes), number_at(octets, 32)),
            internet_end(IpAddress::from_v6(bytes + 16), number_at(octets, 34))};
  return {path_end(octets.substr(0, kPathOctets)), path_end(octets.substr(kPathOctets))};
}

// Takes what is before the next space, or the rest, off the front.
std::string_view take_word(std::string_view& text) {
  const auto space = text.find(' ');
  const auto word = text.substr(0, space);
  text = space == text.npos ? std::string_view{} : text.substr(space + 1);
  return word;
}

std::optional<IpAddress> address_of(std::string_view word, bool v6) {
  const bool written_as_v6 = word.find(':') != word.npos;
  return written_as_v6 == v6 ? IpAddress::parse(word) : std::nullopt;
}

std::optional<std::uint16_t> port_of(std::string_view word) {
  std::uint64_t number = 0;
  const bool leading_zero = word.size() > 1 && word.front() == '0';
  if (leading_zero || word.size() > 5 || !parse_decimal(word, number) || number > 65'535)
    return std::nullopt;
  return static_cast<std::uint16_t>(number);
}

// "192.0.2.1 192.0.2.2 50000 80". Nothing if it is malformed.
std::optional<ConnectionInfo> ends_of_line(std::string_view rest, bool v6) {
  if (std::ranges::count(rest, ' ') != 3) return std::nullopt;
  const auto source = address_of(take_word(rest), v6);
  const auto destination = address_of(take_word(rest), v6);
  const auto source_port = port_of(take_word(rest));
  const auto destination_port = port_of(rest);
  if (!source || !destination || !source_port || !destination_port) return std::nullopt;
  return ConnectionInfo{internet_end(*source, *source_port),
                        internet_end(*destination, *destination_port)};
}

}  // namespace

ProxyHeaderDecoder::Status ProxyHeaderDecoder::decode(std::string_view input,
                                                      std::size_t& consumed) {
  consumed = 0;
  while (status_ == Status::more && consumed < input.size()) {
    if (phase_ == Phase::extensions) {
      const auto skipped = std::min(remaining_, input.size() - consumed);
      consumed += skipped;
      remaining_ -= skipped;
      if (remaining_ == 0) end_v2();
    } else {
      take(input[consumed++]);
    }
  }
  return status_;
}

Refusal ProxyHeaderDecoder::untrusted_refusal() {
  return refusal_for(RefusalReason::proxy_header, "peer that may not send a PROXY header");
}

void ProxyHeaderDecoder::take(char octet) {
  octets_[size_++] = octet;
  switch (phase_) {
    case Phase::version:
      return take_version(octet);
    case Phase::line:
    case Phase::line_lf:
      return take_line(octet);
    case Phase::binary:
      return take_binary(octet);
    default:
      --remaining_;
      if (size_ == kFixedOctets + addresses_) end_addresses();
  }
}

// The first octets say which version it is.
void ProxyHeaderDecoder::take_version(char octet) {
  const bool text = octets_.front() == kTextPrefix.front();
  const std::string_view expected = text ? kTextPrefix : kSignature;
  if (octet != expected[size_ - 1]) return refuse("no PROXY header");
  if (size_ == expected.size()) phase_ = text ? Phase::line : Phase::binary;
}

void ProxyHeaderDecoder::take_line(char octet) {
  if (phase_ == Phase::line_lf) {
    if (octet != '\n') return refuse("bare CR in a PROXY header");
    return end_line();
  }
  if (octet == '\r') {
    phase_ = Phase::line_lf;
  } else if (!octets::is_text(octet)) {
    return refuse(octet == '\n' ? "bare LF in a PROXY header" : "control octet in a PROXY header");
  }
  if (size_ == kLongestLine) refuse("PROXY header too long");
}

void ProxyHeaderDecoder::end_line() {
  std::string_view rest = kept().substr(kTextPrefix.size());
  rest.remove_suffix(2);
  const std::string_view protocol = take_word(rest);
  status_ = Status::done;
  if (protocol == "UNKNOWN") return;  // whatever follows
  if (protocol != "TCP4" && protocol != "TCP6") return refuse("unknown protocol in a PROXY header");
  ends_ = ends_of_line(rest, protocol == "TCP6");
  if (!ends_) refuse("malformed PROXY header");
}

void ProxyHeaderDecoder::take_binary(char octet) {
  const auto value = static_cast<unsigned char>(octet);
  if (size_ == kCommandAt + 1 && value != kLocal && value != kProxy)
    return refuse("unknown version or command in a PROXY header");
  const bool local = octet_at(kept(), kCommandAt) == kLocal;
  if (size_ == kFamilyAt + 1 && !local && !address_octets(value))
    return refuse("unknown family in a PROXY header");
  if (size_ == kFixedOctets) begin_addresses();
}

// The length is known: keep the addresses that are of use, skip the rest.
void ProxyHeaderDecoder::begin_addresses() {
  const bool local = octet_at(kept(), kCommandAt) == kLocal;
  const unsigned family = octet_at(kept(), kFamilyAt);
  const std::size_t needed = local ? 0 : address_octets(family).value_or(0);
  const bool of_use = !local && (family == kTcp4 || family == kTcp6 || family == kUnixStream);
  remaining_ = number_at(kept(), kLengthAt);
  if (remaining_ < needed) return refuse("PROXY header too short for its addresses");
  addresses_ = of_use ? needed : 0;
  phase_ = Phase::addresses;
  if (addresses_ == 0) end_addresses();
}

void ProxyHeaderDecoder::end_addresses() {
  phase_ = Phase::extensions;
  if (remaining_ == 0) end_v2();
}

void ProxyHeaderDecoder::end_v2() {
  status_ = Status::done;
  if (addresses_ > 0)
    ends_ = ends_of(octet_at(kept(), kFamilyAt), kept().substr(kFixedOctets, addresses_));
}

void ProxyHeaderDecoder::refuse(std::string_view rule) {
  refusal_ = refusal_for(RefusalReason::proxy_header, rule);
  status_ = Status::refused;
}

}  // namespace spawning
