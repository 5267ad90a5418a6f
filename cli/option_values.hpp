// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What stands behind an option, as text → as a value.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "spawning/address.hpp"
#include "spawning/bytes.hpp"

namespace spawning::cli {

/// \name Readers. They take the whole text or throw UsageError that says what was expected.
/// @{

/// Decimal digits.
[[nodiscard]] std::uint32_t read_number(const std::string& text, std::uint32_t least,
                                        std::uint32_t most);

/// Octets: decimal digits, and perhaps K, M or G (of 1024). "8K" is 8192.
[[nodiscard]] Bytes read_size(const std::string& text, Bytes least, Bytes most);

/// Seconds from 0.1 to 86400, in decimal notation: "30", "0.5". Rounded to milliseconds.
[[nodiscard]] std::chrono::milliseconds read_seconds(const std::string& text);

/// As read_seconds(), or 0, which switches something off.
[[nodiscard]] std::chrono::milliseconds read_seconds_or_none(
    const std::string& text, std::chrono::seconds most = std::chrono::hours{24});

/// As read_size(), but of a process: digits without a unit are KiB, as in Spawning; or 0, which
/// switches something off.
[[nodiscard]] Bytes read_memory_or_none(const std::string& text);

/// A file mode in octal digits, up to 777.
[[nodiscard]] mode_t read_mode(const std::string& text);

/// An address that only this machine reaches: PORT, which is of 127.0.0.1, 127.0.0.1:PORT,
/// [::1]:PORT or unix:PATH; if there is no text, `otherwise`.
[[nodiscard]] BindAddress read_private_address(const std::string& text,
                                               const std::string& otherwise);

/// @}

/// A host without the brackets that an IPv6 address may have: "::1" of "[::1]".
[[nodiscard]] std::string without_brackets(const std::string& host);

/// As read_size() reads it, in the largest unit that needs no fraction: "8K", "1000".
[[nodiscard]] std::string size_text(Bytes size);

}  // namespace spawning::cli
