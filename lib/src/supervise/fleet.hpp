// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Which workers there should be, decided without touching one.

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "supervise/fleet_actions.hpp"

namespace spawning {

struct FleetConfig {
  unsigned processes = 4;  ///< workers wanted
  /// How many more than that a reload may make; 0, or as many: all, so that nobody of the new
  /// generation serves before every one can. With fewer, workers succeed each other in their
  /// places, so many at a time.
  unsigned surge = 0;
  /// How many workers of a new generation load at a time while another one serves; 0: all. The
  /// others start as these get ready.
  unsigned loads_at_once = 0;
  /// The same for the first generation, before all of it serves.
  unsigned first_loads_at_once = 0;
  /// Who has loaded for so long waits for something rather than computes, and does not count as one of
  /// those.
  std::chrono::milliseconds load_patience{1'000};
  bool first_serve_together = false;  ///< nobody of the first generation before all can
  unsigned slots =
      2048;  ///< for all processes alive at once, draining ones too; half of it bounds scale()
  /// From stop() to drain; answers announce the end of their connections meanwhile.
  std::chrono::milliseconds drain_delay{0};
  /// From drain to kill. Who has finished by then, but not ended, has as long again, unless all end.
  std::chrono::milliseconds deadman{10'000};
  std::chrono::milliseconds boot_timeout{60'000};  ///< from spawn to ready
  /// From hanging up to being given up, for who neither drains nor ends.
  std::chrono::milliseconds hang_up_grace{1'000};
  /// A worker that has served this long is replaced; 0: none is. Workers that fill empty places,
  /// as those of a new generation do, are due spread over the last quarter of it, so that they do
  /// not turn over together; a successor has all of it, which keeps them apart.
  std::chrono::milliseconds max_age{0};
  std::chrono::milliseconds first_backoff{
      100};  ///< before the second respawn in a row; then doubled…
  std::chrono::milliseconds longest_backoff{30'000};  ///< …up to this
  std::chrono::milliseconds steady_after{
      10'000};  ///< a worker that served this long dies for a new reason
};

/// The state machine behind a Supervisor: events and the time go in, actions come out. It owns no
/// process and reads no clock. Its test is the specification of what happens when.
///
/// Workers belong to a generation, and in it to a place, 0 … processes-1, which is refilled when
/// they die or leave. At most two generations have places: the current one, which serves, and an incoming
/// one, of which nobody serves before all are ready. Starting up is an incoming generation without
/// a current one, of which everybody serves as soon as it is ready; if it may be mended, there may be
/// neither until the next reload. Workers that drain or were killed have no place any more, only their
/// slot until they exit.
///
/// Where workers of the current generation cannot get ready, one place tries for all that are empty:
/// a service that its code on disk would end costs no more than that. Once it is ready the others
/// follow at once.
///
/// A worker that is to be replaced keeps its place, and serves, until its successor in it is ready.
/// Replacements wait for each other, in the order in which they were asked for, and for a reload,
/// which makes them needless unless it is given up. A reload with little surge is such successions
/// in all places; until the last one the current generation has workers of two numbers.
///
/// Serve and Drain of one change-over are in one Actions: whoever hands connections over does it
/// between them.
///
/// \par Threads  A value; one thread at a time.
class Fleet {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit Fleet(FleetConfig config);

  /// Goes on with the workers of `before`, of which there are as many wanted as there were.
  /// \throws std::invalid_argument if those contradict each other, or need more slots.
  Fleet(FleetConfig config, Fleet before);

  /// \name Events. Those about workers that have none of the named state any more are ignored.
  /// @{
  [[nodiscard]] Actions start(Time now);
  [[nodiscard]] Actions ready(WorkerId worker, Time now);
  /// It said that it cannot load. `mendable`: somebody will ask for a reload once that is mended,
  /// so that even the first generation's failure is no reason to end.
  [[nodiscard]] Actions failed(WorkerId worker, Time now, bool mendable = false);
  /// It may live, but nothing can be said to it. `finished`: it drains, and has nothing left to do.
  [[nodiscard]] Actions hung_up(WorkerId worker, Time now, bool finished = false);
  [[nodiscard]] Actions exited(WorkerId worker, Time now);  ///< also: it could not be started
  /// It goes in any case, and has not begun to: nobody waits for its successor, which starts now.
  [[nodiscard]] Actions leaving(WorkerId worker, Time now);
  /// It is to go, successor first. Asked again while that is to come it changes nothing.
  [[nodiscard]] Actions replace(WorkerId worker, ReplaceReason reason, Time now);
  /// \param processes  wanted from that generation on; nullopt: as many as now.
  [[nodiscard]] Actions reload(Time now, std::optional<unsigned> processes = std::nullopt);
  [[nodiscard]] Actions scale(int change, Time now);
  /// After the delay, gracefully; when it is asked for again, as stop_now().
  [[nodiscard]] Actions stop(Time now);
  [[nodiscard]] Actions stop_now(Time now);
  [[nodiscard]] Actions tick(Time now);  ///< the time is, or is past, next_deadline()
  /// @}

  /// A reload has failed before it could be asked for. \returns the number that it would have had.
  std::uint64_t skip_generation() { return ++generations_; }

  [[nodiscard]] std::optional<Time> next_deadline() const;
  [[nodiscard]] std::uint64_t newest_generation() const { return generations_; }
  [[nodiscard]] unsigned processes() const { return config_.processes; }
  [[nodiscard]] bool stopping() const { return ending_ || drain_at_; }  ///< asked to, or has to
  [[nodiscard]] bool ending() const { return ending_; }                 ///< nobody serves any more

  /// What another Fleet needs to go on, unless it is stopping. \see archived_types.hpp
  template <typename Archive, typename Self>
  static void fields(Archive& archive, Self& self) {
    archive("processes", self.config_.processes)("members", self.members_);
    archive("current", self.current_)("incoming", self.incoming_)("rolling", self.rolling_);
    archive("replacements", self.replacements_)("generations", self.generations_);
    archive("last_worker", self.last_worker_)("failed_loads", self.failed_loads_);
    archive("load_again_at", self.load_again_at_);
    archive("load_failure_reported", self.load_failure_reported_);
  }

 private:
  enum class State : std::uint8_t { starting, ready, serving, draining, killed };

  struct Member {
    unsigned slot;
    std::uint64_t generation;
    std::size_t place;
    State state;
    Time since;                    // when it entered `state`
    std::optional<Time> deadline;  // for leaving it
    std::optional<Time> due{};     // for being replaced, while it serves
    bool hung_up = false;

    template <typename Archive, typename Self>
    static void fields(Archive& archive, Self& self) {
      archive("slot", self.slot)("generation", self.generation)("place", self.place);
      archive("state", self.state)("since", self.since)("deadline", self.deadline);
      archive("due", self.due)("hung_up", self.hung_up);
    }
  };
  struct Place {
    std::optional<WorkerId> member;
    std::optional<WorkerId> successor;  // loads while `member` is being replaced
    unsigned deaths = 0;                // in a row
    std::optional<Time> respawn_at;

    template <typename Archive, typename Self>
    static void fields(Archive& archive, Self& self) {
      archive("member", self.member)("successor", self.successor);
      archive("deaths", self.deaths)("respawn_at", self.respawn_at);
    }
  };
  struct Generation {
    std::uint64_t number;
    std::vector<Place> places;

    template <typename Archive, typename Self>
    static void fields(Archive& archive, Self& self) {
      archive("number", self.number)("places", self.places);
    }
  };

  struct Replacement {
    WorkerId worker;
    unsigned failures = 0;  // of its successors
    std::optional<Time> retry_at{};

    template <typename Archive, typename Self>
    static void fields(Archive& archive, Self& self) {
      archive("worker", self.worker)("failures", self.failures)("retry_at", self.retry_at);
    }
  };

  template <typename Event>
  Actions on(Time now, Event event);
  void check() const;
  void want(long processes);
  Member* find(WorkerId worker);
  static Place* place_in(std::optional<Generation>& generation, WorkerId worker,
                         const Member& member);
  Place* place_of(WorkerId worker, const Member& member);
  void set_state(Member& member, State state);
  void serve(WorkerId worker, Member& member, bool successor);
  void want_replaced(WorkerId worker, ReplaceReason reason);
  [[nodiscard]] std::optional<Time> due_time(const Member& member, bool successor) const;
  void begin_generation();
  void promote();
  [[nodiscard]] bool rolls() const;
  [[nodiscard]] bool is_old(const Place& place) const;
  void advance_rolling();
  void abandon_rolling();
  void abandon_reload();
  void end();
  void trouble(WorkerId worker, Member& member, Trouble trouble, bool mendable = false);
  void retry(WorkerId worker, const Member& member, Place& place, Trouble trouble);
  void keep(WorkerId worker, Place& place, Trouble trouble);
  void halt(WorkerId worker, Trouble trouble);
  void report(WorkerId worker, Trouble trouble, Consequence consequence,
              std::chrono::milliseconds delay = {});
  void keep_who_serves();
  void abandon_incoming();
  void abandon_replacement();
  void advance_replacements();
  void succeed(Place& place);
  void dismiss(Generation& generation);
  void dismiss(Place& place);
  void dismiss(std::optional<WorkerId>& worker);
  void resize(Generation& generation);
  void drain(WorkerId worker, Member& member);
  void kill(WorkerId worker, Member& member, bool overdue);
  void fill(Generation& generation);
  std::optional<WorkerId> spawn(std::uint64_t generation, std::size_t place);
  void expect_loads();
  [[nodiscard]] bool one_tries() const;
  [[nodiscard]] std::size_t loading(const Generation& generation) const;
  [[nodiscard]] bool may_load(const Generation& generation) const;
  [[nodiscard]] std::optional<Time> next_first_load() const;
  void settle();
  std::optional<unsigned> take_slot();
  void forget_deaths_before(const Member& member, Place& place) const;
  [[nodiscard]] std::chrono::milliseconds backoff(unsigned deaths) const;

  FleetConfig config_;
  std::map<WorkerId, Member> members_;
  std::vector<bool> slot_taken_;
  std::optional<Generation> current_, incoming_;
  std::optional<std::uint64_t>
      rolling_;  // the number that all of current_ are to get; no incoming_
  std::deque<Replacement> replacements_;  // of workers of current_; the first one is under way
  unsigned failed_loads_ = 0;             // of workers of current_, since one last got ready
  std::optional<Time> load_again_at_;
  std::uint64_t generations_ = 0;
  WorkerId last_worker_ = 0;
  bool load_failure_reported_ = false;  // since somebody last got ready
  std::optional<Time> drain_at_;        // asked to stop, and going on until then
  bool asked_to_stop_ = false;
  bool ending_ = false;
  bool finished_ = false;
  int status_ = 0;

  Time now_;         // of the event being handled
  Actions actions_;  // of the event being handled
};

}  // namespace spawning
