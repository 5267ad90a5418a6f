// SPDX-License-Identifier: MIT
#include "spawning/scoreboard.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <new>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "spawning/error.hpp"

namespace spawning {
namespace {

constexpr std::uint64_t kMagic = 0x53706177'6e426f64;  // "SpawnBod"
constexpr std::uint32_t kVersion = 6;

// At the start of the memory. The slots follow, one for what those have counted who have gone, and the
// running requests of each slot.
struct alignas(ScoreboardSlot) Preamble {
  std::uint64_t magic;
  std::uint32_t version;
  std::uint32_t slot_size;
  std::uint64_t slots;
  std::atomic<std::uint64_t> used;
};

// Processes share the memory, so nothing in it may need a lock of one process. Memory that is all
// zero is a cleared slot, so that the ones which nobody has used yet cost no page.
static_assert(ScoreboardSlot::Counter::is_always_lock_free);
static_assert(std::atomic<WorkerState>::is_always_lock_free);
static_assert(std::is_trivially_destructible_v<ScoreboardSlot>);
static_assert(static_cast<std::uint32_t>(WorkerState::empty) == 0);

constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

void* map(int fd, std::size_t length) {
  void* mapping = ::mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapping == MAP_FAILED) throw_last_error("mmap");
  return mapping;
}

// The same for whoever has the same version.
std::size_t length_with(std::size_t slots) {
  return sizeof(Preamble) + (slots + 1) * sizeof(ScoreboardSlot) + slots * sizeof(RunningRequests);
}

Preamble& preamble_of(void* mapping) { return *static_cast<Preamble*>(mapping); }

[[noreturn]] void throw_foreign() {
  throw StartupError{
      "the inherited memory is no scoreboard of this version; expected that of the same spawn"};
}

// Only one process writes a slot, though its threads may be several; readers want no order among
// counters.
void add(ScoreboardSlot::Counter& counter, std::uint64_t amount = 1) {
  counter.fetch_add(amount, std::memory_order_relaxed);
}

std::uint64_t value(const ScoreboardSlot::Counter& counter) {
  return counter.load(std::memory_order_relaxed);
}

// Adds a duration to a histogram.
void add(ScoreboardSlot::Durations& durations, std::chrono::nanoseconds duration) {
  add(durations.counts[DurationTally::bucket_of(duration)]);
  add(durations.nanoseconds,
      static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count(), 0)));
}

// Calls `visit` for each pair of what is counted in a slot and in a Tally.
template <typename Slot, typename Counts, typename Visit>
void each_counter(Slot& slot, Counts&& counts, Visit visit) {
  const auto each_of = [&visit](auto& in_slot, auto& in_tally) {
    for (std::size_t i = 0; i < in_slot.size(); ++i) visit(in_slot[i], in_tally[i]);
  };
  for (std::size_t method = 0; method < slot.exchanges.size(); ++method)
    each_of(slot.exchanges[method], counts.exchanges[method]);
  each_of(slot.duration.counts, counts.duration.counts);
  visit(slot.duration.nanoseconds, counts.duration.nanoseconds);
  each_of(slot.queue_time.counts, counts.queue_time.counts);
  visit(slot.queue_time.nanoseconds, counts.queue_time.nanoseconds);
  each_of(slot.refusals, counts.refusals);
  visit(slot.connections_accepted, counts.connections_accepted);
  visit(slot.body_octets_sent, counts.body_octets_sent);
  visit(slot.exchanges_aborted, counts.aborted);
  visit(slot.exchanges_client_gone, counts.client_gone);
  visit(slot.exchanges_refused, counts.refused);
  visit(slot.exchanges_timed_out, counts.timed_out);
  visit(slot.fields_dropped, counts.fields_dropped);
  visit(slot.hub_stalls, counts.hub_stalls);
}

}  // namespace

std::uint64_t ScoreboardSlot::answers() const {
  std::uint64_t sum = 0;
  for (const auto& by_class : exchanges) {
    for (const Counter& each : by_class) sum += value(each);
  }
  return sum;
}

Tally ScoreboardSlot::tally() const {
  Tally tally;
  each_counter(*this, tally,
               [](const Counter& counter, std::uint64_t& count) { count = value(counter); });
  return tally;
}

void ScoreboardSlot::add(const Tally& tally) {
  each_counter(*this, tally,
               [](Counter& counter, std::uint64_t count) { spawning::add(counter, count); });
}

void ScoreboardSlot::clear() {
  pid = 0;
  state = WorkerState::empty;
  for (Counter* counter :
       {&generation, &started_ns, &connections_open, &requests_running, &requests_queued,
        &requests_completed, &threads_idle, &connections_adopted}) {
    *counter = 0;
  }
  each_counter(*this, Tally{}, [](Counter& counter, std::uint64_t) { counter = 0; });
}

Scoreboard Scoreboard::create(std::size_t slots) {
  UniqueFd memory{::memfd_create("spawning-scoreboard", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  if (!memory) throw_last_error("memfd_create");
  const std::size_t length = length_with(slots);
  if (::ftruncate(memory.get(), static_cast<off_t>(length)) != 0) throw_last_error("ftruncate");
  if (::fcntl(memory.get(), F_ADD_SEALS, kSeals) != 0) throw_last_error("fcntl(F_ADD_SEALS)");
  void* mapping = map(memory.get(), length);
  new (mapping) Preamble{kMagic, kVersion, sizeof(ScoreboardSlot), slots, 0};
  return Scoreboard{std::move(memory), mapping, length};
}

Scoreboard Scoreboard::adopt(UniqueFd memory) {
  struct stat status {};
  if (::fstat(memory.get(), &status) != 0) throw_last_error("fstat");
  const auto length = static_cast<std::size_t>(std::max<off_t>(status.st_size, 0));
  const int seals = ::fcntl(memory.get(), F_GET_SEALS);
  if (seals < 0 || (seals & kSeals) != kSeals || length < sizeof(Preamble)) throw_foreign();
  Scoreboard board{std::move(memory), nullptr, length};
  board.mapping_ = map(board.memory_.get(), length);
  const Preamble& preamble = preamble_of(board.mapping_);
  const bool ours = preamble.magic == kMagic && preamble.version == kVersion &&
                    preamble.slot_size == sizeof(ScoreboardSlot);
  if (!ours || preamble.slots > length / sizeof(RunningRequests) ||
      length != length_with(preamble.slots))
    throw_foreign();
  return board;
}

Scoreboard::Scoreboard(UniqueFd memory, void* mapping, std::size_t length)
    : memory_{std::move(memory)}, mapping_{mapping}, length_{length} {}

Scoreboard::Scoreboard(Scoreboard&& other) noexcept
    : memory_{std::move(other.memory_)},
      mapping_{std::exchange(other.mapping_, nullptr)},
      length_{other.length_} {}

Scoreboard& Scoreboard::operator=(Scoreboard&& other) noexcept {
  std::swap(memory_, other.memory_);
  std::swap(mapping_, other.mapping_);
  std::swap(length_, other.length_);
  return *this;
}

Scoreboard::~Scoreboard() {
  if (mapping_ != nullptr) ::munmap(mapping_, length_);
}

std::size_t Scoreboard::slots() const { return preamble_of(mapping_).slots; }

ScoreboardSlot& Scoreboard::slot(std::size_t index) const {
  if (index >= slots())
    throw std::out_of_range{"the scoreboard has no slot " + std::to_string(index)};
  return first()[index];
}

ScoreboardSlot* Scoreboard::first() const {
  return reinterpret_cast<ScoreboardSlot*>(static_cast<char*>(mapping_) + sizeof(Preamble));
}

RunningRequests& Scoreboard::running(std::size_t index) const {
  static_cast<void>(slot(index));  // throws
  return reinterpret_cast<RunningRequests*>(first() + slots() + 1)[index];
}

void Scoreboard::retire(std::size_t index) const {
  ScoreboardSlot& gone = slot(index);
  first()[slots()].add(gone.tally());
  gone.clear();
  running(index).clear();
}

Tally Scoreboard::totals() const {
  Tally total = first()[slots()].tally();
  for (std::size_t index = 0; index < used(); ++index) total += first()[index].tally();
  return total;
}

ScoreboardSlot& Scoreboard::occupy(std::size_t index) const {
  ScoreboardSlot& occupied = slot(index);
  auto& used = preamble_of(mapping_).used;
  std::uint64_t before = used;
  while (before <= index && !used.compare_exchange_weak(before, index + 1)) {
  }
  return occupied;
}

std::size_t Scoreboard::used() const {
  return std::min<std::size_t>(preamble_of(mapping_).used, slots());
}

void ScoreboardPublisher::exchange_ended(const ExchangeRecord& record) {
  const unsigned status_class = record.status / 100;
  auto& by_class = slot_.exchanges[counted_method(record.method)];
  add(by_class[status_class < by_class.size() ? status_class : 0]);
  add(slot_.duration, record.duration);
  add(slot_.queue_time, record.queued);
  add(slot_.body_octets_sent, record.body_octets);
  switch (record.outcome) {
    case Outcome::complete:
      break;
    case Outcome::aborted:
      add(slot_.exchanges_aborted);
      break;
    case Outcome::client_gone:
      add(slot_.exchanges_client_gone);
      break;
    case Outcome::refused:
      add(slot_.exchanges_refused);
      break;
    case Outcome::timed_out:
      add(slot_.exchanges_timed_out);
      break;
  }
  if (record.refusal) add(slot_.refusals[static_cast<std::size_t>(*record.refusal)]);
}

void ScoreboardPublisher::fields_dropped(std::size_t count) { add(slot_.fields_dropped, count); }

void ScoreboardPublisher::connection_opened() {
  add(slot_.connections_accepted);
  add(slot_.connections_open);
}

void ScoreboardPublisher::connection_closed() {
  slot_.connections_open.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace spawning
