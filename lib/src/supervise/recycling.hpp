// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Which workers have used so much that they are to be replaced, decided without measuring.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "spawning/bytes.hpp"
#include "spawning/supervisor.hpp"
#include "supervise/fleet_actions.hpp"

namespace spawning {

/// The memory of one worker process.
struct WorkerMemory {
  WorkerId worker = 0;
  Bytes memory{0};
  bool serves = false;  ///< otherwise it loads, or is on its way out
};

/// The policy behind ReplacementLimits; the age is Fleet's. Measurements go in, workers come out,
/// each once. It measures nothing and reads no clock.
///
/// Replacing a worker whose successor would use as much helps nobody. What a worker uses when it
/// begins to serve, its successor will use, too; where that comes near a limit, half as much again
/// is the limit, and people are told so, once. Workers that outgrow a limit soon, as those of an
/// application that loads itself bit by bit, are given ever more time to do so, up to an hour; in
/// that time they may use twice as much.
///
/// \par Threads  A value; one thread at a time.
class Recycling {
 public:
  explicit Recycling(ReplacementLimits limits) : limits_{limits} {}

  /// Goes on with what `before` knows of the workers.
  Recycling(ReplacementLimits limits, Recycling before) : Recycling{std::move(before)} {
    limits_ = limits;
  }

  [[nodiscard]] bool counts_requests() const { return limits_.requests > 0; }
  [[nodiscard]] bool weighs() const {
    return limits_.memory.count > 0 || limits_.worker_memory.count > 0;
  }

  /// Whether that many requests are enough for this worker. Jitter tells consecutive workers apart
  /// by much, and the same each time.
  [[nodiscard]] bool served_enough(WorkerId worker, std::uint64_t requests) const;

  /// What a worker uses that begins to serve; otherwise what it uses when it is first weighed.
  void begins(WorkerId worker, Bytes memory) { known_.try_emplace(worker, Known{memory}); }

  /// What follows from a weighing.
  struct Verdict {
    std::vector<WorkerId> too_large{};  ///< each for itself
    std::optional<WorkerId> largest{};  ///< of too much together
    Bytes total{0};                     ///< what those that serve use together
    /// Said once: limits that workers exceed, or nearly so, when they have just begun, with what
    /// they use then.
    std::optional<Bytes> worker_limit_too_low{}, limit_too_low{};
    bool outgrown_soon = false;  ///< said once: workers are given more time now
    friend bool operator==(const Verdict&, const Verdict&) = default;
  };
  /// \param all  every process that lives.
  [[nodiscard]] Verdict weigh(const std::vector<WorkerMemory>& all);

  /// What another one needs to go on. \see archived_types.hpp
  template <typename Archive, typename Self>
  static void fields(Archive& archive, Self& self) {
    archive("known", self.known_)("to_go", self.to_go_)("patience", self.patience_);
    archive("said_worker_limit", self.said_worker_limit_)("said_limit", self.said_limit_);
    archive("said_soon", self.said_soon_);
  }

 private:
  struct Known {
    Bytes first;             // what it used when it began to serve
    unsigned weighings = 0;  // while it serves

    template <typename Archive, typename Self>
    static void fields(Archive& archive, Self& self) {
      archive("first", self.first.count)("weighings", self.weighings);
    }
  };

  void forget_the_gone(const std::vector<WorkerMemory>& all);
  void weigh_each(const std::vector<WorkerMemory>& all, Verdict& verdict);
  void weigh_together(const std::vector<WorkerMemory>& all, Verdict& verdict);
  [[nodiscard]] bool exceeds(Bytes memory, Bytes limit, Bytes first, WorkerId culprit) const;
  void let_go(WorkerId worker, Verdict& verdict);

  ReplacementLimits limits_;
  std::map<WorkerId, Known> known_;
  std::set<WorkerId> to_go_;  // for their memory; they live
  unsigned patience_ = 0;     // so many weighings are left to each worker
  bool said_worker_limit_ = false, said_limit_ = false, said_soon_ = false;
};

}  // namespace spawning
