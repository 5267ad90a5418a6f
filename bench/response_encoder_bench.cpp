// SPDX-License-Identifier: MIT
#include "http/response_encoder.hpp"

#include "support/allocation_report.hpp"

namespace spawning::bench {
namespace {

constexpr std::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr std::string_view kBody = "Hello, world!\r\n";

constexpr Header kFew[] = {{"Content-Type", "text/plain"}, {"Content-Length", "15"}};
constexpr Header kMany[] = {
    {"Content-Type", "text/html; charset=utf-8"},
    {"X-Frame-Options", "DENY"},
    {"Content-Length", "15"},
    {"Vary", "Cookie, Accept-Language"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "same-origin"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Set-Cookie", "csrftoken=Z8x7c6v5b4n3m2; Max-Age=31449600; Path=/; SameSite=Lax"}};

void encode(benchmark::State& state, Headers headers) {
  const ResponseContext context{.server = "Spawning"};
  const ResponseHead head{.status = 200, .reason = "OK", .headers = headers};
  ResponseEncoder encoder;
  std::string out;
  encoder.start(context, head, std::nullopt, kDate, out);
  const AllocationReport report{state};

  for ([[maybe_unused]] auto _ : state) {
    out.clear();
    encoder.start(context, head, std::nullopt, kDate, out);
    benchmark::DoNotOptimize(encoder.frame(kBody));
    benchmark::DoNotOptimize(encoder.finish());
    benchmark::DoNotOptimize(out.data());
  }

  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(out.size()));
}

void frame_chunk(benchmark::State& state) {
  ResponseEncoder encoder;
  std::string out;
  encoder.start({}, {}, std::nullopt, kDate, out);
  const AllocationReport report{state};

  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(encoder.frame(kBody));
  }
}

BENCHMARK_CAPTURE(encode, few_fields, Headers{kFew});
BENCHMARK_CAPTURE(encode, many_fields, Headers{kMany});
BENCHMARK(frame_chunk);

}  // namespace
}  // namespace spawning::bench
