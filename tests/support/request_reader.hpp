// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The engines that read requests, put together, and what they make of octets.

#include <string>
#include <string_view>

#include "http/framing.hpp"
#include "http/request_parser.hpp"

namespace spawning::test {

/// Reads requests the way a connection does, and watches the engines: throws std::logic_error where
/// one breaks a promise of its header (views that lie elsewhere, more used than given, a body over
/// its limit, a refusal without a reason).
class RequestReader {
 public:
  explicit RequestReader(const HttpLimits& limits, HeaderMap header_map = HeaderMap::drop);

  /// Goes on reading. \param octets  everything so far, at any address.
  void read(std::string_view octets);

  /// What was read, once there is nothing more.
  [[nodiscard]] std::string transcript() const;

 private:
  bool read_head(std::string_view octets);
  bool read_body(std::string_view octets);
  bool read_chunks(std::string_view octets);
  void check_head(std::string_view input) const;
  void describe_head();
  void end_request();
  bool refuse(const Refusal& refusal);

  HttpLimits limits_;
  RequestParser parser_;
  ChunkDecoder chunks_;
  Framing framing_;
  Body body_;
  std::size_t position_ = 0;  // of the next octet to read: the head's first, or in a body
  bool in_body_ = false;
  bool refused_ = false;
  std::string request_;  // the lines of the request that is being read
  std::string transcript_;
};

/// Reads `octets` whole and in cuts that follow from them, at one address and at many, under usual
/// and under tight limits, with one HeaderMap or another.
/// \throws std::logic_error if that makes a difference, or as RequestReader.
void read_in_every_way(std::string_view octets);

}  // namespace spawning::test
