// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The PROXY protocol: how a proxy that passes octets on says whose they are.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "http/request_parser.hpp"
#include "spawning/request.hpp"

namespace spawning {

/// Decodes the PROXY header, version 1 or 2, that a connection begins with, as its octets come in.
///
/// Version 1 is a line of at most 107 octets, in the strict reading: single spaces, canonical
/// numbers, CRLF. Version 2 is binary; its extensions (TLVs), up to 64 KiB as the protocol allows,
/// are skipped without being kept. `UNKNOWN`, `LOCAL` and every address that is not of a stream
/// socket mean the connection's own ends. What is neither version is refused with 400, with the
/// octet that makes it certain; the result does not depend on how the input is cut.
///
/// A connection decodes it before its first request, within the time for a head. A peer that is not
/// trusted is refused whatever it sends. Once done, ends() stand for the connection's own, so that
/// ForwardedReader asks whether the source is trusted.
///
/// \par Threads  None of its own. Allocates nothing but the addresses' text.
/// \see https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt, §2
class ProxyHeaderDecoder {
 public:
  enum class Status : std::uint8_t { more, done, refused };

  /// Goes on decoding.
  /// \param consumed  set to how much of `input` belongs to the header: all of it, unless done.
  [[nodiscard]] Status decode(std::string_view input, std::size_t& consumed);

  /// Whether an octet of it has come.
  [[nodiscard]] bool started() const { return size_ > 0; }

  /// Once done: the source as peer and the destination as local; nothing if they are the
  /// connection's own.
  [[nodiscard]] const std::optional<ConnectionInfo>& ends() const { return ends_; }

  /// Once refused.
  [[nodiscard]] const Refusal& refusal() const { return refusal_; }

  /// What a peer gets that may not send a PROXY header.
  [[nodiscard]] static Refusal untrusted_refusal();

 private:
  enum class Phase : std::uint8_t { version, line, line_lf, binary, addresses, extensions };

  static constexpr std::size_t kLongestLine = 107;
  static constexpr std::size_t kFixedOctets = 16;        // of version 2
  static constexpr std::size_t kLongestAddresses = 216;  // two paths of 108

  void take(char octet);
  void take_version(char octet);
  void take_line(char octet);
  void take_binary(char octet);
  void begin_addresses();
  void end_addresses();
  void end_line();
  void end_v2();
  void refuse(std::string_view rule);

  [[nodiscard]] std::string_view kept() const { return {octets_.data(), size_}; }

  Status status_ = Status::more;
  Phase phase_ = Phase::version;
  std::size_t size_ = 0;       // of what is kept in octets_
  std::size_t addresses_ = 0;  // how many octets of addresses are kept behind the fixed ones
  std::size_t remaining_ = 0;  // of what follows the fixed octets
  std::array<char, kFixedOctets + kLongestAddresses> octets_{};
  std::optional<ConnectionInfo> ends_;
  Refusal refusal_;
};

}  // namespace spawning
