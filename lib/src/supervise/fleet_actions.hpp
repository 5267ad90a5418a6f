// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What a Fleet wants done, and the words for why.

#include <chrono>
#include <cstdint>
#include <variant>
#include <vector>

namespace spawning {

/// Names one worker process for the life of a Fleet; never used again.
using WorkerId = std::uint64_t;

/// Why a worker did not do what it is for.
enum class Trouble : std::uint8_t {
  load_failure,          ///< it says that its application cannot be loaded
  boot_timeout,          ///< it did not get ready in time
  death_before_ready,    ///< it ended while it loaded, or could not be started
  death,                 ///< it ended unasked, later
  hang_up_before_ready,  ///< it closed its channel while it loaded, and did not end
  hang_up,               ///< it did so later
  leaving,               ///< it is to end, unasked, and waits for leave to
};

/// What follows from a trouble.
enum class Consequence : std::uint8_t {
  end,      ///< no generation was ever complete: everything ends
  wait,     ///< no generation was ever complete: one may be with the next reload
  discard,  ///< the new generation is given up, the old one goes on
  halt,     ///< so is what is left of a generation of which some serve, and the rest of the old one
  retry,    ///< the worker is replaced after a delay, its siblings go on
  try_one,  ///< as before, but one for all places that are empty; the others once it is ready
  succeed,  ///< its successor, which loads already, takes its place
  keep,     ///< it was a successor: the one before goes on, and gets another after a delay
};

/// Why a worker that serves is to be replaced.
enum class ReplaceReason : std::uint8_t {
  overdue,   ///< one of its threads is lost to a request that does not end
  age,       ///< it has served for as long as a worker should
  requests,  ///< it has answered as many requests as a worker should
  memory,    ///< it uses more memory than a worker should, or the most of too much
};

/// The enumerator's name.
[[nodiscard]] const char* to_string(ReplaceReason reason);

/// What a Fleet wants done. To be carried out in order.
namespace action {

/// Start a process and configure it; then ready(), failed() or exited() follows.
struct Spawn {
  WorkerId worker;
  unsigned slot;
  std::uint64_t generation;
  friend bool operator==(const Spawn&, const Spawn&) = default;
};
/// Let it accept connections.
struct Serve {
  WorkerId worker;
  friend bool operator==(const Serve&, const Serve&) = default;
};
/// Let its answers announce the end of their connections; it goes on until Drain.
struct AnnounceClose {
  WorkerId worker;
  friend bool operator==(const AnnounceClose&, const AnnounceClose&) = default;
};
/// Let it finish what it has, and exit.
struct Drain {
  WorkerId worker;
  std::chrono::milliseconds deadline;
  friend bool operator==(const Drain&, const Drain&) = default;
};
/// SIGKILL. `overdue`: because it did not do in time what it was told.
struct Kill {
  WorkerId worker;
  bool overdue = false;
  friend bool operator==(const Kill&, const Kill&) = default;
};
/// Tell people. `repeated`: a load failure like one reported before, so a line will do.
struct Report {
  WorkerId worker;
  Trouble trouble;
  Consequence consequence;
  std::chrono::milliseconds delay{0};  ///< until the retry
  bool repeated = false;
  friend bool operator==(const Report&, const Report&) = default;
};
/// Tell people: a successor will take its place; it serves until then.
struct Replacing {
  WorkerId worker;
  ReplaceReason reason;
  friend bool operator==(const Replacing&, const Replacing&) = default;
};
/// All workers of this generation serve; the one before, if any, is on its way out.
struct Serving {
  std::uint64_t generation;
  friend bool operator==(const Serving&, const Serving&) = default;
};
/// No worker is left. Once.
struct Finish {
  int status;
  friend bool operator==(const Finish&, const Finish&) = default;
};

}  // namespace action

using Action =
    std::variant<action::Spawn, action::Serve, action::AnnounceClose, action::Drain, action::Kill,
                 action::Report, action::Replacing, action::Serving, action::Finish>;
using Actions = std::vector<Action>;

}  // namespace spawning
