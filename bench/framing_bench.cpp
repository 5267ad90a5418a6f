// SPDX-License-Identifier: MIT
#include "http/framing.hpp"

#include <cstdio>
#include <string>

#include "support/allocation_report.hpp"
#include "support/sample_requests.hpp"

namespace spawning::bench {
namespace {

void frame(benchmark::State& state, std::string_view request) {
  const HttpLimits limits;
  RequestParser parser{limits};
  if (parser.parse(request) != RequestParser::Status::complete)
    return state.SkipWithError("refused");
  const AllocationReport report{state};

  for ([[maybe_unused]] auto _ : state) {
    Framing framing;
    benchmark::DoNotOptimize(frame_request(parser.head(), limits, framing));
    benchmark::DoNotOptimize(framing);
  }
}

// 64 KiB in chunks of range(0) octets.
std::string chunked_body(std::size_t chunk) {
  constexpr std::size_t kSize = 64 << 10;
  std::string body;
  char size[24];
  for (std::size_t at = 0; at < kSize; at += chunk) {
    std::snprintf(size, sizeof size, "%zx\r\n", chunk);
    body.append(size).append(chunk, 'x').append("\r\n");
  }
  return body + "0\r\n\r\n";
}

void decode_chunks(benchmark::State& state) {
  const auto input = chunked_body(static_cast<std::size_t>(state.range(0)));
  ChunkDecoder decoder{HttpLimits{}};
  Body body;
  std::size_t consumed = 0;
  if (decoder.decode(input, body, consumed) != ChunkDecoder::Status::done)
    return state.SkipWithError("refused");
  const AllocationReport report{state};

  for ([[maybe_unused]] auto _ : state) {
    decoder.reset();
    body.clear();
    benchmark::DoNotOptimize(decoder.decode(input, body, consumed));
  }

  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(input.size()));
}

BENCHMARK_CAPTURE(frame, plain, kPlainRequest);
BENCHMARK_CAPTURE(frame, usual, kUsualRequest);
BENCHMARK_CAPTURE(frame, large, kLargeRequest);
BENCHMARK(decode_chunks)->Arg(16)->Arg(1024)->Arg(16 << 10);

}  // namespace
}  // namespace spawning::bench
