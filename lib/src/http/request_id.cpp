// SPDX-License-Identifier: MIT
#include "http/request_id.hpp"

#include <sys/random.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <iterator>

#include "http/octets.hpp"
#include "spawning/error.hpp"

namespace spawning {
namespace {

constexpr std::string_view kName = "X-Request-ID";
constexpr std::size_t kLongest = 128;
constexpr auto kOctets = octets::alphanumeric_and("-._~+/=:@");

// With an underscore for a dash, too: to an application it is the same variable.
bool is_named(const Header& field) {
  if (field.name.size() != kName.size()) return false;
  return std::ranges::equal(field.name, kName, [](char a, char b) {
    return (a == '_' ? '-' : static_cast<char>(a | 0x20)) == static_cast<char>(b | 0x20);
  });
}

}  // namespace

std::uint64_t RequestIds::random() {
  const std::uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::array<char, RequestIds::kLength> RequestIds::next() {
  while (std::ranges::count(state_, 0U) == std::ssize(state_)) {
    const ssize_t got = ::getrandom(state_.data(), sizeof state_, 0);
    if (got < 0 && errno != EINTR) throw_last_error("getrandom");
    if (got != static_cast<ssize_t>(sizeof state_)) state_.fill(0);
  }
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::array<char, kLength> digits{};
  for (std::size_t half = 0; half < 2; ++half) {
    std::uint64_t bits = random();
    for (std::size_t i = 0; i < kLength / 2; ++i, bits >>= 4)
      digits[half * kLength / 2 + i] = kDigits[bits & 15];
  }
  return digits;
}

bool is_request_id(std::string_view text) {
  return !text.empty() && text.size() <= kLongest &&
         std::ranges::all_of(text, [](char c) { return octets::is_in(kOctets, c); });
}

Headers TaggedRequest::take(Headers fields, bool trusted, RequestIds& ids) {
  id_ = {};
  const auto first = std::ranges::find_if(fields, is_named);
  if (first != fields.end() && trusted) {
    const auto second = std::find_if(std::next(first), fields.end(), is_named);
    if (second == fields.end() && is_request_id(first->value)) id_ = first->value;
  }
  if (id_.empty()) {
    made_ = ids.next();
    id_ = {made_.data(), made_.size()};
  }
  fields_.clear();
  std::ranges::remove_copy_if(fields, std::back_inserter(fields_), is_named);
  fields_.push_back({kName, id_});
  return fields_;
}

}  // namespace spawning
