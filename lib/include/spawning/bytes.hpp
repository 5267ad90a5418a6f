// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// An amount of memory or traffic, with its unit in the type.

#include <compare>
#include <cstdint>

#include "spawning/export.hpp"

namespace SPAWNING_EXPORT spawning {

/// A number of octets.
struct Bytes {
  std::uint64_t count = 0;

  friend constexpr auto operator<=>(const Bytes&, const Bytes&) = default;
};

inline namespace literals {
constexpr Bytes operator""_B(unsigned long long n) { return {n}; }
constexpr Bytes operator""_KiB(unsigned long long n) { return {n << 10}; }
constexpr Bytes operator""_MiB(unsigned long long n) { return {n << 20}; }
constexpr Bytes operator""_GiB(unsigned long long n) { return {n << 30}; }
}  // namespace literals

}  // namespace spawning
