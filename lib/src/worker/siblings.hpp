// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The other workers, as the scoreboard shows them.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "spawning/scoreboard.hpp"

namespace spawning {

/// What a worker sees of those who serve beside it, and what it had better leave to them. It looks
/// and asks nobody; a look at a few workers takes less than a microsecond. Those of an older
/// generation do not count: who has been answered by new code shall not be by old code again.
///
/// \par Threads   One.
/// \par Lifetime  `scoreboard` outlives it.
class Siblings {
 public:
  Siblings(const Scoreboard& scoreboard, unsigned own_slot)
      : scoreboard_{scoreboard}, own_slot_{own_slot} {}

  /// Who could begin to work on a request at once.
  struct Free {
    bool anybody_serves = false;  ///< whether there are siblings at all
    std::vector<unsigned> slots{};
    std::size_t threads = 0;  ///< that have nothing to do, of all of them
  };
  [[nodiscard]] Free free() const;

  /// Whether no other worker, of whatever generation, takes connections from the same sockets.
  [[nodiscard]] bool none_accepts() const;

  /// Connections that are too many here, and who has too few.
  struct Surplus {
    std::size_t connections = 0;
    std::vector<unsigned> to{};
  };
  /// A worker gives away what it has above the mean, if that is more than a little, so that two
  /// never give each other the same connections by turns. Siblings who have no idle thread, and have
  /// completed nothing since the last call, count as stuck: they get nothing.
  [[nodiscard]] Surplus surplus();

  /// At most so many connections are too many at a time, so that nobody waits for them to go.
  static constexpr std::size_t kMostAtOnce = 256;

 private:
  template <typename Visit>
  void each_serving(std::uint64_t oldest, Visit visit) const;
  [[nodiscard]] std::uint64_t own_generation() const;
  [[nodiscard]] bool gets_on(unsigned index, const ScoreboardSlot& slot);

  const Scoreboard& scoreboard_;
  const unsigned own_slot_;
  std::vector<std::uint64_t> completed_;  // requests, at the last look, by slot
};

/// How many of the requests that wait for a thread go to siblings that are `free`: as many as have
/// a thread there at once; from a worker that is stuck more, if it takes more for the queues to be
/// equally long.
[[nodiscard]] std::size_t requests_to_pass_on(std::size_t waiting, const Siblings::Free& free,
                                              bool stuck);

}  // namespace spawning
