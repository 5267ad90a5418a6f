// SPDX-License-Identifier: MIT
#include "http/forwarded.hpp"

#include <string>

#include "support/allocation_report.hpp"
#include "support/sample_requests.hpp"

namespace spawning::bench {
namespace {

const Address kPeer{Address::Family::ipv4, 50'000, "127.0.0.1"};

void read(benchmark::State& state, std::string_view request, std::string_view fields,
          std::string_view trusted_list) {
  std::string octets{request.substr(0, request.size() - 2)};
  octets.append(fields).append("\r\n");
  RequestParser parser{HttpLimits{}};
  if (parser.parse(octets) != RequestParser::Status::complete)
    return state.SkipWithError("refused");
  const TrustedProxies trusted = TrustedProxies::parse(trusted_list);
  ForwardedReader reader;
  static_cast<void>(reader.read(parser.head(), kPeer, trusted));  // it has its memory then
  const AllocationReport report{state};

  for ([[maybe_unused]] auto _ : state)
    benchmark::DoNotOptimize(reader.read(parser.head(), kPeer, trusted));
}

constexpr std::string_view kProxied =
    "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: a.example\r\n";
constexpr std::string_view kStandard = "Forwarded: for=203.0.113.9;proto=https;host=a.example\r\n";
constexpr std::string_view kLocal = "127.0.0.1,::1";

BENCHMARK_CAPTURE(read, plain, kPlainRequest, "", kLocal);
BENCHMARK_CAPTURE(read, usual, kUsualRequest, "", kLocal);
BENCHMARK_CAPTURE(read, large, kLargeRequest, "", kLocal);
BENCHMARK_CAPTURE(read, usual_x_forwarded, kUsualRequest, kProxied, kLocal);
BENCHMARK_CAPTURE(read, usual_forwarded, kUsualRequest, kStandard, kLocal);
BENCHMARK_CAPTURE(read, usual_not_trusted, kUsualRequest, kProxied, "");

}  // namespace
}  // namespace spawning::bench
