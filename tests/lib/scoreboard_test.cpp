// SPDX-License-Identifier: MIT
#include "spawning/scoreboard.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stdexcept>

#include "spawning/error.hpp"

namespace spawning {
namespace {

UniqueFd copy(const Scoreboard& board) { return UniqueFd{::fcntl(board.fd(), F_DUPFD_CLOEXEC, 0)}; }

TEST(ScoreboardTest, StartsWithEverySlotEmpty) {
  const Scoreboard board = Scoreboard::create(3);

  EXPECT_EQ(board.slots(), 3U);
  EXPECT_EQ(board.slot(2).state, WorkerState::empty);
  EXPECT_EQ(board.slot(2).connections_accepted, 0U);
  EXPECT_THROW(static_cast<void>(board.slot(3)), std::out_of_range);
}

TEST(ScoreboardTest, IsTheSameMemoryForWhoeverAdoptsIt) {
  const Scoreboard board = Scoreboard::create(2);
  const Scoreboard adopted = Scoreboard::adopt(copy(board));

  adopted.slot(1).connections_open = 7;

  EXPECT_EQ(adopted.slots(), 2U);
  EXPECT_EQ(board.slot(1).connections_open, 7U);
  EXPECT_EQ(board.slot(0).connections_open, 0U);
}

TEST(ScoreboardTest, TellsHowFarItHasBeenUsed) {
  const Scoreboard board = Scoreboard::create(5);
  const Scoreboard adopted = Scoreboard::adopt(copy(board));
  EXPECT_EQ(board.used(), 0U);

  EXPECT_EQ(&adopted.occupy(3), &adopted.slot(3));
  static_cast<void>(adopted.occupy(1));

  EXPECT_EQ(board.used(), 4U);
}

TEST(ScoreboardTest, LetsNobodyResizeTheMemoryUnderItsSiblings) {
  const Scoreboard board = Scoreboard::create(2);

  EXPECT_NE(::ftruncate(board.fd(), 0), 0);
  EXPECT_NE(::ftruncate(board.fd(), 1 << 20), 0);
}

TEST(ScoreboardTest, RefusesMemoryThatIsNoScoreboard) {
  EXPECT_THROW(
      static_cast<void>(Scoreboard::adopt(UniqueFd{::open("/dev/null", O_RDWR | O_CLOEXEC)})),
      StartupError);
  UniqueFd blank{::memfd_create("blank", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  ASSERT_EQ(::ftruncate(blank.get(), 4096), 0);
  ASSERT_EQ(::fcntl(blank.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
  EXPECT_THROW(static_cast<void>(Scoreboard::adopt(std::move(blank))), StartupError);
}

TEST(ScoreboardTest, RefusesAScoreboardOfAnotherVersion) {
  const Scoreboard board = Scoreboard::create(1);
  const std::uint32_t version = 999;
  ASSERT_EQ(::pwrite(board.fd(), &version, sizeof version, 8),
            static_cast<ssize_t>(sizeof version));

  EXPECT_THROW(static_cast<void>(Scoreboard::adopt(copy(board))), StartupError);
}

TEST(ScoreboardTest, ClearsASlotForANewTenant) {
  const Scoreboard board = Scoreboard::create(1);
  ScoreboardSlot& slot = board.slot(0);
  slot.pid = 12;
  slot.state = WorkerState::serving;
  slot.exchanges[0][2] = 5;

  slot.clear();

  EXPECT_EQ(slot.pid, 0U);
  EXPECT_EQ(slot.state, WorkerState::empty);
  EXPECT_EQ(slot.exchanges[0][2], 0U);
}

// Every number another one, so that none can be mistaken for its neighbour.
Tally distinct_numbers() {
  Tally tally;
  std::uint64_t next = 1;
  for (auto& by_class : tally.exchanges) {
    for (auto& count : by_class) count = next++;
  }
  for (auto* durations : {&tally.duration, &tally.queue_time}) {
    for (auto& count : durations->counts) count = next++;
    durations->nanoseconds = next++;
  }
  for (auto* count :
       {&tally.body_octets_sent, &tally.connections_accepted, &tally.aborted, &tally.client_gone,
        &tally.refused, &tally.timed_out, &tally.fields_dropped, &tally.hub_stalls})
    *count = next++;
  for (auto& count : tally.refusals) count = next++;
  return tally;
}

TEST(ScoreboardTest, CopiesEverythingThatIsCounted) {
  const Scoreboard board = Scoreboard::create(1);
  const Tally tally = distinct_numbers();

  board.slot(0).add(tally);
  EXPECT_EQ(board.slot(0).tally(), tally);

  board.slot(0).clear();
  EXPECT_EQ(board.slot(0).tally(), Tally{});
}

TEST(ScoreboardTest, KeepsWhatTenantsHaveCountedWhoAreGone) {
  const Scoreboard board = Scoreboard::create(2);
  const Tally tally = distinct_numbers();
  for (const std::size_t index : {0U, 1U}) {
    static_cast<void>(board.occupy(index));
    board.slot(index).add(tally);
  }
  Tally both = tally;
  both += tally;
  ASSERT_EQ(board.totals(), both);

  board.retire(1);

  EXPECT_EQ(board.slot(1).tally(), Tally{});
  EXPECT_EQ(board.totals(), both);
  EXPECT_EQ(Scoreboard::adopt(copy(board)).totals(), both);
}

TEST(ScoreboardTest, ListsWhatATenantWorksOnForWhoeverAdoptsItUntilItRetires) {
  const Scoreboard board = Scoreboard::create(3);
  const Scoreboard adopted = Scoreboard::adopt(copy(board));
  const Address client{Address::Family::ipv4, 4711, "192.0.2.1"};
  RunningPublisher publisher{adopted.running(2)};
  const RunningPublisher::Turn turn{&publisher,
                                    {.method = "GET", .target = "/slow", .client = &client}};

  ASSERT_EQ(board.running(2).list().size(), 1U);
  EXPECT_EQ(board.running(2).list()[0].path, "/slow");
  EXPECT_TRUE(board.running(1).list().empty());
  EXPECT_THROW(static_cast<void>(board.running(3)), std::out_of_range);

  board.retire(2);

  EXPECT_TRUE(board.running(2).list().empty());
}

// Room for thousands of workers costs what few of them use.
TEST(ScoreboardTest, TakesNoMemoryForWhatNobodyUses) {
  const Scoreboard board = Scoreboard::create(1000);
  const auto allocated = [&board] {
    struct stat status {};
    EXPECT_EQ(::fstat(board.fd(), &status), 0);
    return status.st_blocks * 512;
  };
  const auto at_first = allocated();

  static_cast<void>(board.occupy(500));
  const Address client;
  RunningPublisher publisher{board.running(500)};
  const RunningPublisher::Turn turn{&publisher, {.method = "GET", .client = &client}};
  static_cast<void>(board.running(500).list());

  EXPECT_LE(at_first, ::sysconf(_SC_PAGESIZE));
  EXPECT_LE(allocated(), 5 * ::sysconf(_SC_PAGESIZE));
}

TEST(ScoreboardTest, GivesEverySlotItsOwnCacheLines) {
  const Scoreboard board = Scoreboard::create(2);

  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&board.slot(1)) % 64, 0U);
}

TEST(ScoreboardPublisherTest, CountsConnectionsAndExchanges) {
  const Scoreboard board = Scoreboard::create(1);
  ScoreboardSlot& slot = board.slot(0);
  ScoreboardPublisher publisher{slot};
  ExchangeRecord answered, gone, refused, aborted;
  answered.method = "POST";
  answered.status = 204;
  answered.duration = std::chrono::milliseconds{20};
  answered.queued = std::chrono::microseconds{700};
  answered.body_octets = 10;
  gone.outcome = Outcome::client_gone;
  refused.status = 431;
  refused.outcome = Outcome::refused;
  aborted.status = 999;  // whatever a handler says stays within the array
  aborted.outcome = Outcome::aborted;

  publisher.connection_opened();
  publisher.connection_opened();
  publisher.connection_closed();
  for (const auto& record : {answered, gone, refused, aborted}) publisher.exchange_ended(record);

  EXPECT_EQ(slot.connections_accepted, 2U);
  EXPECT_EQ(slot.connections_open, 1U);
  EXPECT_EQ(slot.exchanges[2][2], 1U);  // POST, 2xx
  EXPECT_EQ(slot.exchanges[7][4], 1U);  // of the others no method is known
  EXPECT_EQ(slot.exchanges[7][0], 2U);
  EXPECT_EQ(slot.answers(), 4U);
  EXPECT_EQ(slot.duration.counts[5], 1U);  // up to 25 ms
  EXPECT_EQ(slot.duration.counts[0], 3U);
  EXPECT_EQ(slot.duration.nanoseconds, 20'000'000U);
  EXPECT_EQ(slot.queue_time.counts[1], 1U);  // up to 1 ms
  EXPECT_EQ(slot.body_octets_sent, 10U);
  EXPECT_EQ(slot.exchanges_aborted, 1U);
  EXPECT_EQ(slot.exchanges_client_gone, 1U);
  EXPECT_EQ(slot.exchanges_refused, 1U);
}

}  // namespace
}  // namespace spawning
