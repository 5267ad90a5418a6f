// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What a worker process inherits from its supervisor.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "spawning/export.hpp"
#include "spawning/log.hpp"
#include "spawning/unique_fd.hpp"

namespace SPAWNING_EXPORT spawning {

/// Identity and descriptors of one worker process. The supervisor fills a seat, describes it in the
/// environment variable SPAWNING_SEAT, and starts a program that takes it.
struct Seat {
  unsigned slot = 0;  ///< its slot in the scoreboard; siblings of one generation differ in it
  std::uint64_t generation = 0;  ///< counts reloads, from 1
  LogOptions log;                ///< of its error log, from the first line on
  UniqueFd control;              ///< one end of a ControlChannel
  UniqueFd scoreboard;           ///< the Scoreboard's memory
  std::vector<UniqueFd> listeners{};
  UniqueFd console{};  ///< another listening socket; usually there is none

  /// The descriptors' numbers in a worker: control, scoreboard, the listeners, then the console.
  static constexpr int kControlFd = 3;
  static constexpr int kScoreboardFd = 4;
  static constexpr int kFirstListenerFd = 5;

  /// The value of SPAWNING_SEAT for a worker: "slot=2 generation=7 listeners=1 log_level=info
  /// log_format=text", and " console=1" if there is one.
  [[nodiscard]] static std::string describe(unsigned slot, std::uint64_t generation,
                                            std::size_t listeners, const LogOptions& log = {},
                                            bool console = false);

  /// Takes the seat that this process was started with: adopts the descriptors, makes them
  /// close-on-exec, and removes SPAWNING_SEAT so that children do not believe it is theirs.
  /// Empty if there is no SPAWNING_SEAT. Call it once, before other threads run. An older supervisor
  /// says nothing of the log.
  /// \throws StartupError if the variable is malformed or a descriptor is not open.
  [[nodiscard]] static std::optional<Seat> take();
};

}  // namespace spawning
