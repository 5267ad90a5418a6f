// SPDX-License-Identifier: MIT
#include "http/framing.hpp"

#include "http/field_list.hpp"

namespace spawning {
namespace {

using Reason = RefusalReason;

// What the fields that concern framing say, all lines of each together.
struct FramingFields {
  unsigned lengths = 0;
  std::string_view length;
  unsigned codings = 0;          // elements of Transfer-Encoding
  unsigned empty_codings = 0;    // of them
  std::string_view last_coding;  // of them
  unsigned chunked = 0;          // how many are exactly `chunked`
  bool transfer_encoding = false;
  bool close = false;
  bool keep_alive = false;
  bool expects_continue = false;
  bool expects_more = false;  // what we do not know
};

void read_transfer_encoding(std::string_view value, FramingFields& fields) {
  fields.transfer_encoding = true;
  FieldList codings{value};
  while (codings.next(fields.last_coding)) {
    ++fields.codings;
    if (fields.last_coding.empty()) ++fields.empty_codings;
    if (equals_ignoring_case(fields.last_coding, "chunked")) ++fields.chunked;
  }
}

void read_connection(std::string_view value, FramingFields& fields) {
  FieldList options{value};
  for (std::string_view option; options.next(option);) {
    if (equals_ignoring_case(option, "close")) fields.close = true;
    if (equals_ignoring_case(option, "keep-alive")) fields.keep_alive = true;
  }
}

void read_expect(std::string_view value, FramingFields& fields) {
  FieldList expectations{value};
  for (std::string_view expectation; expectations.next(expectation);) {
    if (expectation.empty()) continue;
    const bool known = equals_ignoring_case(expectation, "100-continue");
    (known ? fields.expects_continue : fields.expects_more) = true;
  }
}

FramingFields read_fields(Headers headers) {
  FramingFields fields;
  for (const Header& header : headers) {
    const auto is = [&header](std::string_view name) {
      return equals_ignoring_case(header.name, name);
    };
    // Most fields are none of ours: their length says so for next to nothing.
    switch (header.name.size()) {
      case 6:
        if (is("Expect")) read_expect(header.value, fields);
        break;
      case 10:
        if (is("Connection")) read_connection(header.value, fields);
        break;
      case 14:
        if (!is("Content-Length")) break;
        ++fields.lengths;
        fields.length = header.value;
        break;
      case 17:
        if (is("Transfer-Encoding")) read_transfer_encoding(header.value, fields);
        break;
      default:
        break;
    }
  }
  return fields;
}

std::optional<Refusal> frame_chunked(const RequestHead& head, const FramingFields& fields,
                                     Framing& out) {
  if (head.version == HttpVersion::http_1_0)
    return refusal_for(Reason::framing, "Transfer-Encoding in HTTP/1.0");
  if (fields.lengths > 0)
    return refusal_for(Reason::framing, "Transfer-Encoding with Content-Length");
  if (fields.empty_codings > 0) return refusal_for(Reason::framing, "empty transfer coding");
  if (fields.chunked > 1) return refusal_for(Reason::framing, "chunked more than once");
  if (!equals_ignoring_case(fields.last_coding, "chunked"))
    return refusal_for(Reason::framing, "last transfer coding is not chunked");
  if (fields.codings > 1) return refusal_for(Reason::transfer_coding, "unknown transfer coding");
  out.kind = Framing::Kind::chunked;
  return std::nullopt;
}

std::optional<Refusal> frame_length(const FramingFields& fields, const HttpLimits& limits,
                                    Framing& out) {
  if (fields.lengths > 1) return refusal_for(Reason::framing, "more than one Content-Length");
  if (!parse_decimal(fields.length, out.content_length))
    return refusal_for(Reason::framing, "malformed Content-Length");
  if (out.content_length > limits.body.count)
    return refusal_for(Reason::body_size, "body over the limit");
  out.kind = Framing::Kind::length;
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> frame_request(const RequestHead& head, const HttpLimits& limits,
                                     Framing& out) {
  const FramingFields fields = read_fields(head.headers);
  out = {};
  if (fields.transfer_encoding) {
    if (auto refusal = frame_chunked(head, fields, out)) return refusal;
  } else if (fields.lengths > 0) {
    if (auto refusal = frame_length(fields, limits, out)) return refusal;
  }
  const bool modern = head.version == HttpVersion::http_1_1;
  out.keep_alive = !fields.close && (modern || fields.keep_alive);
  if (!modern) return std::nullopt;
  if (fields.expects_more) return refusal_for(Reason::expectation, "unknown expectation");
  out.expect_continue =
      fields.expects_continue && (out.kind == Framing::Kind::chunked || out.content_length > 0);
  return std::nullopt;
}

}  // namespace spawning
