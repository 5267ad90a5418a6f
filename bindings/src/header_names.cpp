// SPDX-License-Identifier: MIT
#include "header_names.hpp"

#include <algorithm>
#include <array>

#include "spawning/headers.hpp"

namespace spawning::python {
namespace {

constexpr std::size_t kMostKnown = 512;
constexpr std::size_t kLongestKnown = 64;

constexpr std::array<std::string_view, 36> kUsual{"Accept",
                                                  "Accept-Charset",
                                                  "Accept-Encoding",
                                                  "Accept-Language",
                                                  "Authorization",
                                                  "Cache-Control",
                                                  "Connection",
                                                  "Content-Encoding",
                                                  "Content-Length",
                                                  "Content-Type",
                                                  "Cookie",
                                                  "DNT",
                                                  "Expect",
                                                  "Forwarded",
                                                  "Host",
                                                  "If-Match",
                                                  "If-Modified-Since",
                                                  "If-None-Match",
                                                  "Origin",
                                                  "Pragma",
                                                  "Range",
                                                  "Referer",
                                                  "Sec-Fetch-Dest",
                                                  "Sec-Fetch-Mode",
                                                  "Sec-Fetch-Site",
                                                  "Sec-Fetch-User",
                                                  "TE",
                                                  "Traceparent",
                                                  "Transfer-Encoding",
                                                  "Upgrade-Insecure-Requests",
                                                  "User-Agent",
                                                  "X-CSRFToken",
                                                  "X-Forwarded-For",
                                                  "X-Forwarded-Host",
                                                  "X-Forwarded-Proto",
                                                  "X-Requested-With"};

std::string lower(std::string_view text) {
  std::string result{text};
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return result;
}

// Whatever the server lets pass, these never reach an environ: `Content_Type` and its like, which
// could pass for what the server states itself, and `Proxy`, which as HTTP_PROXY would tell clients
// in the application where to send its requests (CVE-2016-5385).
bool is_never_passed_on(std::string_view name) {
  if (equals_ignoring_case(name, "proxy")) return true;
  if (name.find('_') == std::string_view::npos) return false;
  std::string dashed{name};
  std::replace(dashed.begin(), dashed.end(), '_', '-');
  return equals_ignoring_case(dashed, "content-length") ||
         equals_ignoring_case(dashed, "content-type") ||
         equals_ignoring_case(dashed, "transfer-encoding");
}

HeaderKey::Kind kind_of(std::string_view name) {
  if (is_never_passed_on(name)) return HeaderKey::Kind::dropped;
  if (equals_ignoring_case(name, "content-length") ||
      equals_ignoring_case(name, "transfer-encoding")) {
    return HeaderKey::Kind::length;
  }
  return equals_ignoring_case(name, "cookie") ? HeaderKey::Kind::cookie : HeaderKey::Kind::field;
}

PyRef environ_key(std::string_view name) {
  std::string key{equals_ignoring_case(name, "content-type") ? "" : "HTTP_"};
  for (const char c : name) {
    if (c == '-') {
      key += '_';
    } else {
      key += c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
    }
  }
  return latin1(key);
}

bool make(std::string_view name, HeaderKey& made) {
  made.kind = kind_of(name);
  if (made.kind == HeaderKey::Kind::field || made.kind == HeaderKey::Kind::cookie) {
    made.key = environ_key(name);
    return static_cast<bool>(made.key);
  }
  made.key.reset();
  return true;
}

}  // namespace

bool HeaderNames::prepare() {
  return std::all_of(kUsual.begin(), kUsual.end(), [this](std::string_view name) {
    return find(name) != nullptr && find(lower(name)) != nullptr;
  });
}

const HeaderKey* HeaderNames::find(std::string_view name) {
  if (const auto known = known_.find(name); known != known_.end()) return &known->second;
  if (!make(name, unknown_)) return nullptr;
  if (known_.size() == kMostKnown || name.size() > kLongestKnown) return &unknown_;
  // Only here: some versions of Python never free an interned text.
  if (unknown_.key) unknown_.key = interned(std::move(unknown_.key));
  return &known_.emplace(std::string{name}, std::move(unknown_)).first->second;
}

}  // namespace spawning::python
