// SPDX-License-Identifier: MIT
#include "option_values.hpp"

#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>
#include <system_error>

#include "options.hpp"
#include "spawning/error.hpp"
#include "spawning/ip_address.hpp"

namespace spawning::cli {
namespace {

constexpr std::string_view kUnits = "KMG";
constexpr double kShortest = 0.1;
constexpr std::chrono::seconds kDay{86'400};
constexpr Bytes kLeastMemory = 1_MiB, kMostMemory{std::uint64_t{1} << 40};
constexpr unsigned kLargestMode = 0777;
constexpr const char* kPrivateAddress =
    "PORT, 127.0.0.1:PORT, [::1]:PORT or unix:PATH, as it is for nobody on other machines";

[[noreturn]] void refuse(const std::string& text, const std::string& expected) {
  throw UsageError{"expected " + expected + ", not \"" + text + "\""};
}

template <typename Number, typename Format>
std::optional<Number> whole(std::string_view text, Format format) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, format);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

bool is_loopback(const std::string& host) {
  constexpr std::size_t kFirstOfV4 = 12;
  const auto address = IpAddress::parse(host);
  if (!address) return false;
  return address->v4 ? address->octets[kFirstOfV4] == 127 : address == IpAddress::parse("::1");
}

std::optional<Bytes> size_of(std::string_view text) {
  unsigned shift = 0;
  if (!text.empty()) {
    const auto unit = kUnits.find(text.back());
    if (unit != kUnits.npos) {
      shift = 10 * (static_cast<unsigned>(unit) + 1);
      text.remove_suffix(1);
    }
  }
  const auto number = whole<std::uint64_t>(text, 10);
  if (!number || *number > UINT64_MAX >> shift) return std::nullopt;
  return Bytes{*number << shift};
}

std::optional<std::chrono::milliseconds> seconds_of(std::string_view text,
                                                    std::chrono::seconds most) {
  // from_chars takes signs, "inf" and "nan", too.
  if (text.empty() || text.find_first_not_of("0123456789.") != text.npos) return std::nullopt;
  const auto seconds = whole<double>(text, std::chars_format::fixed);
  const auto longest = static_cast<double>(most.count());
  if (!seconds || *seconds > longest || (*seconds > 0 && *seconds < kShortest)) return std::nullopt;
  return std::chrono::milliseconds{std::llround(*seconds * 1000)};
}

}  // namespace

std::uint32_t read_number(const std::string& text, std::uint32_t least, std::uint32_t most) {
  const auto number = whole<std::uint32_t>(text, 10);
  if (!number || *number < least || *number > most)
    refuse(text, "a number from " + std::to_string(least) + " to " + std::to_string(most));
  return *number;
}

Bytes read_size(const std::string& text, Bytes least, Bytes most) {
  const auto size = size_of(text);
  if (!size || *size < least || *size > most)
    refuse(text, "a size from " + size_text(least) + " to " + size_text(most));
  return *size;
}

std::chrono::milliseconds read_seconds(const std::string& text) {
  const auto seconds = seconds_of(text, kDay);
  if (!seconds || seconds->count() == 0) refuse(text, "a number of seconds from 0.1 to 86400");
  return *seconds;
}

std::chrono::milliseconds read_seconds_or_none(const std::string& text, std::chrono::seconds most) {
  const auto seconds = seconds_of(text, most);
  if (!seconds)
    refuse(text, "0 or a number of seconds from 0.1 to " + std::to_string(most.count()));
  return *seconds;
}

Bytes read_memory_or_none(const std::string& text) {
  const bool plain = !text.empty() && kUnits.find(text.back()) == kUnits.npos;
  const auto size = size_of(plain ? text + "K" : text);
  if (!size || (size->count != 0 && (*size < kLeastMemory || *size > kMostMemory))) {
    refuse(text, "0 or a size from " + size_text(kLeastMemory) + " to " + size_text(kMostMemory) +
                     "; without a unit it is in KiB");
  }
  return *size;
}

mode_t read_mode(const std::string& text) {
  const auto mode = whole<unsigned>(text, 8);
  if (!mode || *mode > kLargestMode) refuse(text, "an octal mode from 0 to 777");
  return *mode;
}

BindAddress read_private_address(const std::string& text, const std::string& otherwise) {
  const bool port = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  const std::string whole = port ? "127.0.0.1:" + text : text;
  try {
    auto address = BindAddress::parse(text.empty() ? otherwise : whole);
    if (address.kind == BindAddress::Kind::unix_path || is_loopback(address.host)) return address;
  } catch (const StartupError&) {
    refuse(text, kPrivateAddress);
  }
  refuse(text, kPrivateAddress);
}

std::string without_brackets(const std::string& host) {
  const bool brackets = host.front() == '[' && host.back() == ']';
  return brackets ? host.substr(1, host.size() - 2) : host;
}

std::string size_text(Bytes size) {
  std::string unit;
  for (const char larger : kUnits) {
    if (size.count == 0 || size.count % 1024 != 0) break;
    size.count /= 1024;
    unit = larger;
  }
  return std::to_string(size.count) + unit;
}

}  // namespace spawning::cli
