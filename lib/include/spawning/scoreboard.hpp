// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Counters of every worker, and what it works on, in memory that the supervisor shares with them.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "spawning/exchange.hpp"
#include "spawning/export.hpp"
#include "spawning/running_requests.hpp"
#include "spawning/tally.hpp"
#include "spawning/unique_fd.hpp"

namespace SPAWNING_EXPORT spawning {

enum class WorkerState : std::uint32_t { empty, starting, ready, serving, draining };

/// What one worker process publishes. One process writes a slot, any number read it; no lock. Each
/// counter is monotonic within one tenant; values read together may be a few requests apart.
struct alignas(64) ScoreboardSlot {
  using Counter = std::atomic<std::uint64_t>;

  std::atomic<std::uint32_t> pid{0};
  std::atomic<WorkerState> state{WorkerState::empty};
  Counter generation{0};
  Counter started_ns{0};  ///< CLOCK_REALTIME, nanoseconds

  /// Those of siblings that it goes on with too.
  Counter connections_accepted{0};
  Counter connections_open{0};  ///< a gauge
  Counter requests_running{0};  ///< a gauge: calls in application threads
  Counter requests_queued{0};   ///< a gauge: calls waiting for one

  Counter requests_completed{0};   ///< calls that have ended
  Counter threads_idle{0};         ///< a gauge: application threads that wait for a call
  Counter connections_adopted{0};  ///< that siblings have given away; those lost on the way too

  /// \name As in Tally
  /// @{
  struct Durations {
    std::array<Counter, DurationTally::kBuckets> counts{};
    Counter nanoseconds{0};
  };
  std::array<std::array<Counter, 6>, kCountedMethods.size()> exchanges{};
  Durations duration{}, queue_time{};
  Counter body_octets_sent{0};
  Counter exchanges_aborted{0};
  Counter exchanges_client_gone{0};
  Counter exchanges_refused{0};
  Counter exchanges_timed_out{0};
  std::array<Counter, kRefusalReasons> refusals{};
  Counter fields_dropped{0};
  Counter hub_stalls{0};
  /// @}

  /// Requests answered so far.
  [[nodiscard]] std::uint64_t answers() const;
  /// Everything that is counted, at once.
  [[nodiscard]] Tally tally() const;
  /// Counts as much more.
  void add(const Tally& tally);

  /// Zero everything for a new tenant.
  void clear();
};

/// The shared memory: a versioned header, one slot a worker, and the requests on which each of them
/// works. Sealed against resizing, so that no
/// tenant can make another fault.
///
/// \par Threads  Slots are atomics; create(), adopt() and the destructor are as for any value.
/// \see memfd_create(2)
class Scoreboard {
 public:
  /// \throws std::system_error if the memory cannot be had.
  [[nodiscard]] static Scoreboard create(std::size_t slots);
  /// Maps a scoreboard that another process created. \throws StartupError if it is none, or of
  /// another version.
  [[nodiscard]] static Scoreboard adopt(UniqueFd memory);

  Scoreboard(Scoreboard&& other) noexcept;
  Scoreboard& operator=(Scoreboard&& other) noexcept;
  ~Scoreboard();

  [[nodiscard]] std::size_t slots() const;
  /// \param index  below slots(). \throws std::out_of_range
  [[nodiscard]] ScoreboardSlot& slot(std::size_t index) const;
  /// On which the tenant of a slot works. \throws std::out_of_range
  [[nodiscard]] RunningRequests& running(std::size_t index) const;
  /// Its tenant has gone: what it has counted is kept for totals(), and the slot cleared; nothing runs
  /// in it any more.
  void retire(std::size_t index) const;
  /// What tenants of all slots have counted, those that have gone too.
  [[nodiscard]] Tally totals() const;
  /// As slot(), for its tenant: from now on it is among the used() ones.
  [[nodiscard]] ScoreboardSlot& occupy(std::size_t index) const;
  /// No slot from here on has ever had a tenant. To look at one would cost a page of memory.
  [[nodiscard]] std::size_t used() const;
  [[nodiscard]] int fd() const { return memory_.get(); }

 private:
  Scoreboard(UniqueFd memory, void* mapping, std::size_t length);
  [[nodiscard]] ScoreboardSlot* first() const;

  UniqueFd memory_;
  void* mapping_ = nullptr;
  std::size_t length_ = 0;
};

/// Publishes what a Server does into a slot.
/// \par Threads  As ServerObserver.
class ScoreboardPublisher : public ServerObserver {
 public:
  explicit ScoreboardPublisher(ScoreboardSlot& slot) : slot_{slot} {}

  void exchange_ended(const ExchangeRecord& record) override;
  void fields_dropped(std::size_t count) override;
  void connection_opened() override;
  void connection_closed() override;

 private:
  ScoreboardSlot& slot_;
};

}  // namespace spawning
