// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What a request is called in every log that it passes through: X-Request-ID.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "spawning/headers.hpp"

namespace spawning {

/// Makes names that nobody else makes: 128 random bits in hexadecimal digits. Not for secrets: who
/// knows one can guess others.
///
/// \par Threads  One at a time.
/// \see getrandom(2); xoshiro256++ by Blackman and Vigna
class RequestIds {
 public:
  static constexpr std::size_t kLength = 32;

  /// Seeds itself from the system when it is first used. \throws std::system_error if that fails.
  [[nodiscard]] std::array<char, kLength> next();

 private:
  [[nodiscard]] std::uint64_t random();

  std::array<std::uint64_t, 4> state_{};  // all zero: not seeded yet
};

/// Whether a request may be called so: 1 to 128 letters, digits, and `-._~+/=:@`, which mean nothing
/// to a log, a shell or HTML.
[[nodiscard]] bool is_request_id(std::string_view text);

/// The header fields of a request with exactly one X-Request-ID.
///
/// \par Threads   None of its own.
/// \par Lifetime  No allocation once `fields` has held as many as a request has.
class TaggedRequest {
 public:
  /// \param trusted  whether the id in `fields` is taken over, if it is fit for one.
  /// \param ids      makes one otherwise.
  /// \returns views into this object and `fields`, until the next take().
  [[nodiscard]] Headers take(Headers fields, bool trusted, RequestIds& ids);

  /// Of the last take(), with the lifetime of what that returned.
  [[nodiscard]] std::string_view id() const { return id_; }

 private:
  std::array<char, RequestIds::kLength> made_{};
  std::string_view id_;
  std::vector<Header> fields_;
};

}  // namespace spawning
