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
constexpr std::uint32_t kVersion = 2;

// At the start of the memory. The slots follow.
struct alignas(ScoreboardSlot) Preamble {
  std::uint64_t magic;
  std::uint32_t version;
  std::uint32_t slot_size;
  std::uint64_t slots;
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

const Preamble& preamble_of(const void* mapping) { return *static_cast<const Preamble*>(mapping); }

[[noreturn]] void throw_foreign() {
  throw StartupError{
      "the inherited memory is no scoreboard of this version; expected that of the same spawn"};
}

// Only one process writes a slot, though its threads may be several; readers want no order among
// counters.
void add(ScoreboardSlot::Counter& counter, std::uint64_t amount = 1) {
  counter.fetch_add(amount, std::memory_order_relaxed);
}

}  // namespace

std::uint64_t ScoreboardSlot::answers() const {
  std::uint64_t sum = 0;
  for (const Counter& each : responses_by_class) sum += each.load(std::memory_order_relaxed);
  return sum;
}

void ScoreboardSlot::clear() {
  pid = 0;
  state = WorkerState::empty;
  for (Counter* counter :
       {&generation, &started_ns, &connections_accepted, &connections_open, &requests_running,
        &requests_queued, &body_octets_sent, &exchanges_aborted, &exchanges_client_gone,
        &exchanges_refused, &exchanges_timed_out, &fields_dropped}) {
    *counter = 0;
  }
  for (Counter& counter : responses_by_class) counter = 0;
  for (Counter& counter : refusals) counter = 0;
}

Scoreboard Scoreboard::create(std::size_t slots) {
  UniqueFd memory{::memfd_create("spawning-scoreboard", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  if (!memory) throw_last_error("memfd_create");
  const std::size_t length = sizeof(Preamble) + slots * sizeof(ScoreboardSlot);
  if (::ftruncate(memory.get(), static_cast<off_t>(length)) != 0) throw_last_error("ftruncate");
  if (::fcntl(memory.get(), F_ADD_SEALS, kSeals) != 0) throw_last_error("fcntl(F_ADD_SEALS)");
  void* mapping = map(memory.get(), length);
  new (mapping) Preamble{kMagic, kVersion, sizeof(ScoreboardSlot), slots};
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
  if (!ours || preamble.slots != (length - sizeof(Preamble)) / sizeof(ScoreboardSlot))
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
  auto* first = reinterpret_cast<ScoreboardSlot*>(static_cast<char*>(mapping_) + sizeof(Preamble));
  return first[index];
}

void ScoreboardPublisher::exchange_ended(const ExchangeRecord& record) {
  const unsigned status_class = record.status / 100;
  add(slot_.responses_by_class[status_class < slot_.responses_by_class.size() ? status_class : 0]);
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
