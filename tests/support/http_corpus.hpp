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

#include "spawning/config.hpp"

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

/// The inputs that the fuzzer has found worth keeping, each named after its file.
/// \throws std::runtime_error if a file cannot be read.
[[nodiscard]] std::vector<CorpusCase> load_fuzz_corpus();

}  // namespace spawning::test
