// SPDX-License-Identifier: MIT
#include "spawning/running_requests.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>

#include "spawning/address.hpp"

namespace spawning {
namespace {

using Word = std::atomic<std::uint64_t>;
using Clock = std::chrono::steady_clock;

// Processes share these, so none may need a lock of one process.
static_assert(Word::is_always_lock_free && std::atomic<std::int64_t>::is_always_lock_free);
static_assert(std::is_trivially_destructible_v<RunningRequests>);
static_assert(sizeof(RunningPlace) == 256);

// A writer needs a few dozen nanoseconds; one that is not through by then has been stopped.
constexpr int kMostLooks = 1000;

// As much of a text as there is room for; returns how much. Releases, so that whoever sees any of it
// sees that the version is odd.
template <std::size_t Words>
std::uint64_t store(std::array<Word, Words>& place, std::string_view text) {
  const std::size_t size = std::min(text.size(), Words * sizeof(Word));
  for (std::size_t at = 0; at < size; at += sizeof(Word)) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, std::min(size - at, sizeof word));
    place[at / sizeof word].store(word, std::memory_order_release);
  }
  return size;
}

template <std::size_t Words>
std::string load(const std::array<Word, Words>& place, std::size_t size) {
  std::array<std::uint64_t, Words> words;
  std::ranges::transform(place, words.begin(),
                         [](const Word& word) { return word.load(std::memory_order_acquire); });
  const auto* const octets = reinterpret_cast<const char*>(words.data());
  return {octets, std::min(size, sizeof words)};
}

// A proxy need not say which port its client has.
std::string text_of(const Address& client) {
  const bool without_port = client.port == 0 && client.family != Address::Family::unix_path &&
                            client.family != Address::Family::none;
  return without_port ? client.host : client.to_string();
}

}  // namespace

// How much there is of each text, and what is no text, in one word.
struct RunningPlace::Facts {
  std::uint64_t method_size, client_size, path_size, path_cut, client_family, client_port;

  [[nodiscard]] std::uint64_t packed() const {
    return method_size | client_size << 8 | path_size << 16 | path_cut << 24 | client_family << 32 |
           client_port << 40;
  }
  [[nodiscard]] static Facts unpacked(std::uint64_t word) {
    return {word & 0xff,       word >> 8 & 0xff,  word >> 16 & 0xff,
            word >> 24 & 0xff, word >> 32 & 0xff, word >> 40 & 0xffff};
  }
};

void RunningPlace::begin(const Request& request, Clock::time_point now) {
  const std::uint64_t odd = version_.load(std::memory_order_relaxed) | 1;  // if somebody died here
  version_.store(odd, std::memory_order_relaxed);
  const std::chrono::nanoseconds since = now.time_since_epoch();
  began_.store(since.count(), std::memory_order_release);
  const Facts facts{.method_size = store(method_, request.method),
                    .client_size = store(client_, request.client->host),
                    .path_size = store(path_, request.target),
                    .path_cut = request.target.size() > sizeof path_ ? 1U : 0U,
                    .client_family = static_cast<std::uint64_t>(request.client->family),
                    .client_port = request.client->port};
  facts_.store(facts.packed(), std::memory_order_release);
  version_.store(odd + 1, std::memory_order_release);
}

std::optional<ListedRequest> RunningPlace::read(unsigned thread) const {
  for (int looks = 0; looks < kMostLooks; ++looks) {
    const std::uint64_t version = version_.load(std::memory_order_acquire);
    const std::chrono::nanoseconds since{began_.load(std::memory_order_acquire)};
    if (since.count() == 0) return std::nullopt;
    if (version % 2 != 0) continue;
    const Facts facts = Facts::unpacked(facts_.load(std::memory_order_acquire));
    Address client{static_cast<Address::Family>(facts.client_family),
                   static_cast<std::uint16_t>(facts.client_port), load(client_, facts.client_size)};
    ListedRequest request{
        .method = load(method_, facts.method_size),
        .path = load(path_, facts.path_size),
        .path_cut = facts.path_cut != 0,
        .client = text_of(client),
        .thread = thread,
        .began = Clock::time_point{std::chrono::duration_cast<Clock::duration>(since)}};
    if (version_.load(std::memory_order_relaxed) == version) return request;
  }
  return std::nullopt;
}

std::vector<ListedRequest> RunningRequests::list() const {
  std::vector<ListedRequest> all;
  const std::size_t count = std::min<std::size_t>(used.load(), places.size());
  for (std::size_t i = 0; i < count; ++i) {
    if (auto request = places[i].read(static_cast<unsigned>(i))) all.push_back(*std::move(request));
  }
  return all;
}

RunningPlace& RunningRequests::claim(std::size_t index) {
  const auto count = static_cast<std::uint32_t>(index + 1);
  std::uint32_t seen = used;
  while (seen < count && !used.compare_exchange_weak(seen, count)) {
  }
  return places[index];
}

void RunningRequests::clear() {
  const std::size_t count = std::min<std::size_t>(used.exchange(0), places.size());
  std::for_each_n(places.begin(), count, [](RunningPlace& place) { place.end(); });
}

RunningPlace* RunningPublisher::place() {
  const pthread_t self = ::pthread_self();
  for (std::size_t i = 0; i < owners_.size(); ++i) {
    pthread_t owner = owners_[i].load(std::memory_order_relaxed);
    if (owner == self) return &shared_.places[i];
    if (owner != 0 || !owners_[i].compare_exchange_strong(owner, self)) continue;
    return &shared_.claim(i);
  }
  return nullptr;
}

RunningPublisher::Turn::Turn(RunningPublisher* publisher, const Request& request)
    : Turn{publisher == nullptr ? nullptr : publisher->place(), request} {}

RunningPublisher::Turn::Turn(RunningPlace* place, const Request& request) : place_{place} {
  if (place_ != nullptr) place_->begin(request, Clock::now());
}

}  // namespace spawning
