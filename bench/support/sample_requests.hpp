// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Requests as real clients send them.

#include <string_view>

namespace spawning::bench {

/// What `wrk` sends: two fields.
inline constexpr std::string_view kPlainRequest =
    "GET / HTTP/1.1\r\n"
    "Host: 127.0.0.1:8080\r\n"
    "Connection: keep-alive\r\n\r\n";

/// A hello-world GET with eight fields.
inline constexpr std::string_view kUsualRequest =
    "GET /hello?name=world HTTP/1.1\r\n"
    "Host: www.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    "Accept-Language: en-GB,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Connection: keep-alive\r\n"
    "Cookie: sessionid=k3v9q2xw8d7f6s5a4z1y0u; csrftoken=Z8x7c6v5b4n3m2\r\n"
    "Cache-Control: max-age=0\r\n\r\n";

/// What a browser sends to a site with sixteen fields and much in its cookies.
inline constexpr std::string_view kLargeRequest =
    "GET /shop/articles/4711/reviews?page=3&sort=newest&filter=with-photo HTTP/1.1\r\n"
    "Host: www.example.com\r\n"
    "Connection: keep-alive\r\n"
    "sec-ch-ua: \"Chromium\";v=\"128\", \"Not;A=Brand\";v=\"24\", \"Google Chrome\";v=\"128\"\r\n"
    "sec-ch-ua-mobile: ?0\r\n"
    "sec-ch-ua-platform: \"Linux\"\r\n"
    "Upgrade-Insecure-Requests: 1\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/128.0.0.0 "
    "Safari/537.36\r\n"
    "Accept: "
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/"
    "*;q=0.8\r\n"
    "Sec-Fetch-Site: same-origin\r\n"
    "Sec-Fetch-Mode: navigate\r\n"
    "Sec-Fetch-User: ?1\r\n"
    "Sec-Fetch-Dest: document\r\n"
    "Referer: https://www.example.com/shop/articles/4711\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n"
    "Cookie: sessionid=k3v9q2xw8d7f6s5a4z1y0uk3v9q2xw8d7f6s5a4z1y0u; "
    "csrftoken=Z8x7c6v5b4n3m2Z8x7c6v5b4n3m2; "
    "_ga=GA1.2.1234567890.1234567890; _gid=GA1.2.987654321.987654321; "
    "consent=necessary%2Cstatistics%2Cmarketing; "
    "recently_viewed=4711%2C4712%2C4713%2C4714%2C4715%2C4716%2C4717%2C4718%2C4719%2C4720; "
    "theme=dark; lang=en\r\n\r\n";

}  // namespace spawning::bench
