// SPDX-License-Identifier: MIT
#include "spawning/service_manager.hpp"

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

#include "spawning/error.hpp"

namespace spawning {
namespace {

constexpr std::int64_t kMostSockets = 1024;

// Empty if the variable is not set.
std::optional<std::int64_t> number(const ServiceManager::Environment& environment, const char* name,
                                   std::int64_t most) {
  const char* const value = environment(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  const std::string_view text{value};
  std::int64_t parsed = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), parsed);
  if (error != std::errc{} || end != text.end() || parsed < 0 || parsed > most) {
    throw StartupError{std::string{name} + ": expected a number from 0 to " + std::to_string(most) +
                       ", not \"" + value + "\""};
  }
  return parsed;
}

// Whoever executes another program in between leaves the variables behind, but not the process.
bool is_for(const ServiceManager::Environment& environment, const char* name, pid_t pid) {
  return number(environment, name, INT32_MAX).value_or(pid) == pid;
}

}  // namespace

ServiceManager ServiceManager::of(const Environment& environment, pid_t pid) {
  ServiceManager manager;
  if (const char* socket = environment("NOTIFY_SOCKET")) manager.notify_socket = socket;
  if (is_for(environment, "WATCHDOG_PID", pid))
    manager.watchdog =
        std::chrono::microseconds{number(environment, "WATCHDOG_USEC", INT64_MAX).value_or(0)};
  if (number(environment, "LISTEN_PID", INT32_MAX) == pid)
    manager.sockets = static_cast<int>(number(environment, "LISTEN_FDS", kMostSockets).value_or(0));
  return manager;
}

}  // namespace spawning
