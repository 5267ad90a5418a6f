// SPDX-License-Identifier: MIT
#include "http/request_parser.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>

#include "support/allocation_report.hpp"
#include "support/sample_requests.hpp"

namespace spawning::bench {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;

// The alternative: Beast's parser, made to fill the same views and none of its `fields`.
class BeastParser : public http::basic_parser<true> {
 public:
  explicit BeastParser(std::vector<Header>& headers) : headers_{headers} {}

  RequestHead head;

 private:
  static std::string_view view(boost::beast::string_view text) {
    return {text.data(), text.size()};
  }

  void on_request_impl(http::verb, boost::beast::string_view method,
                       boost::beast::string_view target, int, error_code&) override {
    head.method = view(method);
    head.target = view(target);
  }
  void on_field_impl(http::field, boost::beast::string_view name, boost::beast::string_view value,
                     error_code&) override {
    headers_.push_back({view(name), view(value)});
  }
  void on_header_impl(error_code&) override { head.headers = headers_; }
  void on_response_impl(int, boost::beast::string_view, int, error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(boost::beast::string_view body, error_code&) override {
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, boost::beast::string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, boost::beast::string_view body,
                                 error_code&) override {
    return body.size();
  }
  void on_finish_impl(error_code&) override {}

  std::vector<Header>& headers_;
};

void set_bytes(benchmark::State& state, std::string_view request) {
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(request.size()));
}

void ours(benchmark::State& state, std::string_view request) {
  RequestParser parser{HttpLimits{}};
  if (parser.parse(request) != RequestParser::Status::complete)
    return state.SkipWithError("refused");
  const AllocationReport report{state};

  for ([[maybe_unused]] auto _ : state) {
    parser.reset();
    benchmark::DoNotOptimize(parser.parse(request));
    benchmark::DoNotOptimize(parser.head().headers.data());
  }

  set_bytes(state, request);
}

void ours_in_cuts(benchmark::State& state, std::string_view request) {
  const auto cut = static_cast<std::size_t>(state.range(0));
  RequestParser parser{HttpLimits{}};
  if (parser.parse(request) != RequestParser::Status::complete)
    return state.SkipWithError("refused");
  const AllocationReport report{state};

  for ([[maybe_unused]] auto _ : state) {
    parser.reset();
    for (std::size_t end = cut; end < request.size() + cut; end += cut) {
      benchmark::DoNotOptimize(parser.parse(request.substr(0, end)));
    }
  }

  set_bytes(state, request);
}

void beast(benchmark::State& state, std::string_view request) {
  std::vector<Header> headers;
  headers.reserve(100);
  const AllocationReport report{state};

  for ([[maybe_unused]] auto _ : state) {
    headers.clear();
    BeastParser parser{headers};
    error_code error;
    parser.put(boost::asio::const_buffer{request.data(), request.size()}, error);
    if (error || !parser.is_header_done()) return state.SkipWithError("refused");
    benchmark::DoNotOptimize(parser.head.headers.data());
  }

  set_bytes(state, request);
}

BENCHMARK_CAPTURE(ours, plain, kPlainRequest);
BENCHMARK_CAPTURE(beast, plain, kPlainRequest);
BENCHMARK_CAPTURE(ours, usual, kUsualRequest);
BENCHMARK_CAPTURE(beast, usual, kUsualRequest);
BENCHMARK_CAPTURE(ours, large, kLargeRequest);
BENCHMARK_CAPTURE(beast, large, kLargeRequest);
BENCHMARK_CAPTURE(ours_in_cuts, usual, kUsualRequest)->Arg(1)->Arg(64);

}  // namespace
}  // namespace spawning::bench
