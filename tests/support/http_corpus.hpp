// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The corpus of HTTP requests, and what the engines make of them.
///
/// A case is two files: NAME.http, the octets of one connection, and NAME.expect, a transcript of
/// what is read from them. Before the transcript, lines `limit NAME NUMBER` lower a limit, and
/// `header_map MODE` sets what is done with underscores. The transcript has for each request the
/// lines
///
///     method, target, path, query, host, scheme (of an absolute-form), version, then
///     `header NAME: VALUE` for each field and `dropped NAME` for those left out,
///     framing (none, length N, chunked), keep-alive (yes, no), expect-continue (only if so),
///     body, end
///
/// and at the end, if that is how it ends, `refused STATUS REASON: RULE` or `incomplete`. Octets
/// outside printable ASCII are written \xNN, a backslash \\.

#include <string>
#include <string_view>
#include <vector>

#include "http/framing.hpp"
#include "http/request_parser.hpp"

namespace spawning::test {

struct CorpusCase {
  std::string name;
  std::string octets;
  HttpLimits limits{};
  HeaderMap header_map = HeaderMap::drop;
  std::string transcript{};
};

/// The cases of `directory`, which is "valid" or "invalid", by name.
/// \throws std::runtime_error if a file cannot be read or an expectation is malformed.
[[nodiscard]] std::vector<CorpusCase> load_corpus(std::string_view directory);

/// Reads requests the way a connection does.
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

}  // namespace spawning::test
