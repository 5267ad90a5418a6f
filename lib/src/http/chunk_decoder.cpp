// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <utility>

#include "http/framing.hpp"
#include "http/octets.hpp"

namespace spawning {
namespace {

using Reason = RefusalReason;

constexpr unsigned kMostSizeDigits = 16;
constexpr std::size_t kMostExtensionOctets = 16 << 10;  // in all chunks of a body together

}  // namespace

// Puts short chunks together: once a body lies in its file each append() is a system call.
class ChunkDecoder::Gathering {
 public:
  explicit Gathering(Body& body) : body_{body} {}

  void add(std::string_view data) {
    if (data.size() > octets_.size() - size_) append();
    if (data.size() > octets_.size()) return body_.append(data);
    size_ += data.copy(octets_.data() + size_, data.size());
  }
  void append() {
    if (size_ > 0) body_.append({octets_.data(), std::exchange(size_, 0)});
  }

 private:
  Body& body_;
  std::size_t size_ = 0;
  std::array<char, 16 << 10> octets_;  // of which `size_` count
};

ChunkDecoder::Status ChunkDecoder::decode(std::string_view input, Body& body,
                                          std::size_t& consumed) {
  Gathering gathering{body};
  consumed = 0;
  while (status_ == Status::more && consumed < input.size()) {
    if (phase_ == Phase::data) {
      consumed += take_data(input.substr(consumed), gathering);
    } else {
      take(input[consumed++]);
    }
  }
  gathering.append();
  return status_;
}

void ChunkDecoder::reset() {
  status_ = Status::more;
  phase_ = Phase::size;
  size_digits_ = 0;
  remaining_ = received_ = trailer_octets_ = 0;
  extension_octets_ = trailer_count_ = 0;
}

std::size_t ChunkDecoder::take_data(std::string_view input, Gathering& gathering) {
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(input.size(), remaining_));
  gathering.add(input.substr(0, count));
  remaining_ -= count;
  received_ += count;
  if (remaining_ == 0) phase_ = Phase::data_cr;
  return count;
}

void ChunkDecoder::take(char octet) {
  switch (phase_) {
    case Phase::size:
      return take_size(octet);
    case Phase::size_lf:
      if (octet != '\n') return refuse(Reason::chunk, "bare CR after a chunk size");
      return end_size_line();
    case Phase::data:
      return;  // decode() takes data in blocks
    case Phase::data_cr:
      return expect(octet, '\r', Phase::data_lf);
    case Phase::data_lf:
      return expect(octet, '\n', Phase::size);
    case Phase::trailer:
    case Phase::trailer_name:
    case Phase::trailer_value:
    case Phase::trailer_lf:
    case Phase::end_lf:
      return take_trailer(octet);
    default:
      return take_extension(octet);
  }
}

void ChunkDecoder::take_size(char octet) {
  const int digit = octets::hex_value(octet);
  if (digit < 0) {
    if (size_digits_ == 0) return refuse(Reason::chunk, "chunk without a size");
    return end_element(octet, "invalid octet in a chunk size");
  }
  if (++size_digits_ > kMostSizeDigits)
    return refuse(Reason::chunk, "chunk size of too many digits");
  remaining_ = remaining_ << 4 | static_cast<std::uint64_t>(digit);
}

// After a size, an extension's name or its value: another extension, BWS before it, or the end of
// the line.
void ChunkDecoder::end_element(char octet, std::string_view rule) {
  if (octet == ';') {
    phase_ = Phase::extension_begin;
  } else if (octets::is_blank(octet)) {
    phase_ = phase_ == Phase::extension_name ? Phase::extension_equals : Phase::extension;
  } else if (octet == '\r') {
    phase_ = Phase::size_lf;
  } else {
    refuse(Reason::chunk, octet == '\n' ? "bare LF after a chunk size" : rule);
  }
}

void ChunkDecoder::end_size_line() {
  if (remaining_ == 0) {
    phase_ = Phase::trailer;
  } else if (remaining_ > limits_.body.count - received_) {
    refuse(Reason::body_size, "body over the limit");
  } else {
    phase_ = Phase::data;
  }
  size_digits_ = 0;
}

// RFC 9112 §7.1.1: *( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] )
void ChunkDecoder::take_extension(char octet) {
  if (++extension_octets_ > kMostExtensionOctets)
    return refuse(Reason::chunk, "chunk extensions over the limit");
  switch (phase_) {
    case Phase::extension:
    case Phase::extension_equals:
      if (octets::is_blank(octet)) return;
      if (octet == ';') return static_cast<void>(phase_ = Phase::extension_begin);
      if (octet == '=' && phase_ == Phase::extension_equals)
        return static_cast<void>(phase_ = Phase::extension_value_begin);
      return refuse(Reason::chunk, "blank after a chunk size or extension");
    case Phase::extension_begin:
      if (octets::is_blank(octet)) return;
      if (!octets::is_in(octets::kToken, octet))
        return refuse(Reason::chunk, "chunk extension without a name");
      phase_ = Phase::extension_name;
      return;
    case Phase::extension_name:
      if (octets::is_in(octets::kToken, octet)) return;
      if (octet == '=') return static_cast<void>(phase_ = Phase::extension_value_begin);
      return end_element(octet, "invalid octet in a chunk extension");
    default:
      return take_extension_value(octet);
  }
}

void ChunkDecoder::take_extension_value(char octet) {
  switch (phase_) {
    case Phase::extension_value_begin:
      if (octets::is_blank(octet)) return;
      if (octet == '"') return static_cast<void>(phase_ = Phase::extension_quoted);
      if (!octets::is_in(octets::kToken, octet))
        return refuse(Reason::chunk, "chunk extension without a value");
      phase_ = Phase::extension_value;
      return;
    case Phase::extension_value:
      if (octets::is_in(octets::kToken, octet)) return;
      return end_element(octet, "invalid octet in a chunk extension");
    case Phase::extension_quoted:
      if (!octets::is_text(octet))
        return refuse(Reason::chunk, "control octet in a chunk extension");
      if (octet == '"') phase_ = Phase::extension_end;
      if (octet == '\\') phase_ = Phase::extension_escape;
      return;
    case Phase::extension_escape:
      if (!octets::is_text(octet))
        return refuse(Reason::chunk, "control octet in a chunk extension");
      phase_ = Phase::extension_quoted;
      return;
    default:
      return end_element(octet, "invalid octet after a chunk extension");
  }
}

void ChunkDecoder::take_trailer(char octet) {
  if (++trailer_octets_ > limits_.header_octets.count)
    return refuse(Reason::header_size, "trailer fields over the limit");
  switch (phase_) {
    case Phase::trailer:
      if (octet == '\r') return static_cast<void>(phase_ = Phase::end_lf);
      if (++trailer_count_ > limits_.header_count)
        return refuse(Reason::header_size, "too many trailer fields");
      if (!octets::is_in(octets::kToken, octet))
        return refuse(Reason::chunk, "malformed trailer field");
      phase_ = Phase::trailer_name;
      return;
    case Phase::trailer_name:
      if (octets::is_in(octets::kToken, octet)) return;
      if (octet != ':') return refuse(Reason::chunk, "malformed trailer field");
      phase_ = Phase::trailer_value;
      return;
    case Phase::trailer_value:
      if (octets::is_text(octet)) return;
      if (octet != '\r') return refuse(Reason::chunk, "control octet in a trailer field");
      phase_ = Phase::trailer_lf;
      return;
    case Phase::trailer_lf:
      return expect(octet, '\n', Phase::trailer);
    default:
      if (octet != '\n') return refuse(Reason::chunk, "bare CR after a chunked body");
      status_ = Status::done;
  }
}

void ChunkDecoder::expect(char octet, char expected, Phase next) {
  if (octet != expected)
    return refuse(Reason::chunk, "line of a chunked body that does not end in CRLF");
  phase_ = next;
}

void ChunkDecoder::refuse(RefusalReason reason, std::string_view rule) {
  refusal_ = refusal_for(reason, rule);
  status_ = Status::refused;
}

}  // namespace spawning
