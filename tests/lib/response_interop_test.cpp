// SPDX-License-Identifier: MIT
/// \file
/// An opinion of our responses that is not ours.

#include <gtest/gtest.h>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <string>

#include "http/response_encoder.hpp"

namespace spawning {
namespace {

namespace http = boost::beast::http;

constexpr std::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT";

TEST(ResponseInteropTest, BeastReadsWhatWeWrote) {
  const Header headers[] = {
      {"Content-Type", "text/plain"}, {"Set-Cookie", "a=b"}, {"Set-Cookie", "c=d"}};
  const std::string block(3000, 'x');
  for (const std::optional<std::uint64_t> length :
       {std::optional<std::uint64_t>{}, {block.size() * 3}}) {
    ResponseEncoder encoder;
    std::string out;
    encoder.start({}, {.status = 201, .reason = "Made", .headers = headers}, length, kDate, out);
    for (int i = 0; i < 3; ++i) {
      const auto piece = encoder.frame(block);
      out.append(piece.prefix).append(piece.block).append(piece.suffix);
    }
    out += encoder.finish();

    http::response_parser<http::string_body> parser;
    boost::system::error_code error;
    parser.eager(true);
    const auto used = parser.put(boost::asio::const_buffer{out.data(), out.size()}, error);

    ASSERT_FALSE(error) << error.message();
    ASSERT_TRUE(parser.is_done());
    EXPECT_EQ(used, out.size());
    EXPECT_EQ(parser.chunked(), !length);
    EXPECT_TRUE(parser.keep_alive());
    EXPECT_EQ(parser.get().result_int(), 201u);
    EXPECT_EQ(parser.get().reason(), "Made");
    EXPECT_EQ(parser.get()[http::field::date], kDate);
    EXPECT_EQ(parser.get().count(http::field::set_cookie), 2u);
    EXPECT_EQ(parser.get().body(), block + block + block);
  }
}

}  // namespace
}  // namespace spawning
