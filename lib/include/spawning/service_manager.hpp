// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What a service manager (systemd, or another that speaks its protocols) has given this process.

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>

#include "spawning/export.hpp"

namespace SPAWNING_EXPORT spawning {

/// A value. \see sd_notify(3), sd_watchdog_enabled(3), sd_listen_fds(3)
struct ServiceManager {
  /// Where it listens: the path of a UNIX datagram socket, or '@' and an abstract name. "": nowhere.
  std::string notify_socket{};
  /// It takes a service for dead that it has not heard of for so long; 0: never.
  std::chrono::microseconds watchdog{0};
  /// So many listening sockets, as descriptors from kFirstSocket on.
  int sockets = 0;

  static constexpr int kFirstSocket = 3;

  /// The value of an environment variable; null if it is not set. \see getenv(3)
  using Environment = std::function<const char*(const char* name)>;

  /// What is addressed to process `pid`. What is addressed to another one, its parent perhaps, does
  /// not count. \throws StartupError if a variable is malformed.
  [[nodiscard]] static ServiceManager of(const Environment& environment, pid_t pid);
};

}  // namespace spawning
