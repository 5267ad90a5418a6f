// SPDX-License-Identifier: MIT
#include "spawning/running_requests.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace spawning {
namespace {

using namespace std::chrono_literals;
using Turn = RunningPublisher::Turn;

struct RunningRequestsTest : ::testing::Test {
  std::unique_ptr<RunningRequests> shared = std::make_unique<RunningRequests>();
  RunningPublisher publisher{*shared};
  Address client{Address::Family::ipv4, 4711, "192.0.2.1"};

  [[nodiscard]] Request request(std::string_view target, std::string_view method = "GET") const {
    return {.method = method, .target = target, .client = &client};
  }

  // Of a request that comes from there.
  [[nodiscard]] std::string client_of(Address address) {
    client = std::move(address);
    const Turn turn{&publisher, request("/")};
    return shared->list().at(0).client;
  }
};

TEST_F(RunningRequestsTest, ListsARequestForAsLongAsAThreadWorksOnIt) {
  const auto before = std::chrono::steady_clock::now();
  std::optional<Turn> turn{std::in_place, &publisher, request("/slow?n=1", "POST")};

  const auto listed = shared->list();
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0].method, "POST");
  EXPECT_EQ(listed[0].path, "/slow?n=1");
  EXPECT_FALSE(listed[0].path_cut);
  EXPECT_EQ(listed[0].client, "192.0.2.1:4711");
  EXPECT_EQ(listed[0].thread, 0U);
  EXPECT_GE(listed[0].began, before);
  EXPECT_LE(listed[0].began, std::chrono::steady_clock::now());

  turn.reset();
  EXPECT_TRUE(shared->list().empty());
}

TEST_F(RunningRequestsTest, ShowsNothingOfTheRequestBefore) {
  { const Turn turn{&publisher, request("/a/long/path/with/much/in/it", "PROPPATCH")}; }

  const Turn turn{&publisher, request("/b")};

  const auto listed = shared->list();
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0].method, "GET");
  EXPECT_EQ(listed[0].path, "/b");
}

TEST_F(RunningRequestsTest, CutsWhatIsTooLongAndSaysSoOfThePath) {
  const std::string longest = "/" + std::string(159, 'a');
  client.host = std::string(100, 'h');
  {
    const Turn turn{&publisher, request(longest, "A-METHOD-THAT-IS-LONG")};
    const ListedRequest listed = shared->list().at(0);
    EXPECT_EQ(listed.path, longest);
    EXPECT_FALSE(listed.path_cut);
    EXPECT_EQ(listed.method, "A-METHOD-THAT-IS");
    EXPECT_EQ(listed.client, std::string(56, 'h') + ":4711");
  }

  const Turn turn{&publisher, request(longest + "b")};

  EXPECT_EQ(shared->list().at(0).path, longest);
  EXPECT_TRUE(shared->list().at(0).path_cut);
}

TEST_F(RunningRequestsTest, NamesClientsOfEveryKind) {
  using Family = Address::Family;
  EXPECT_EQ(client_of({Family::ipv6, 80, "2001:db8::1"}), "[2001:db8::1]:80");
  EXPECT_EQ(client_of({Family::ipv6, 0, "2001:db8::1"}), "2001:db8::1");  // a proxy's word
  EXPECT_EQ(client_of({Family::unix_path, 0, "/run/app.sock"}), "unix:/run/app.sock");
  EXPECT_EQ(client_of({}), "unknown");
}

TEST_F(RunningRequestsTest, KeepsEveryOctet) {
  const std::string odd{"/\xff\x00\n\"", 5};
  const Turn turn{&publisher, request(odd)};

  EXPECT_EQ(shared->list().at(0).path, odd);
}

TEST_F(RunningRequestsTest, GivesEveryThreadANumberThatItKeeps) {
  constexpr int kThreads = 4, kRounds = 3;
  std::barrier all{kThreads + 1};
  const auto work = [&](int which) {
    const std::string target = "/" + std::to_string(which);
    for (int round = 0; round < kRounds; ++round) {
      const Turn turn{&publisher, request(target)};
      all.arrive_and_wait();  // everybody is at it
      all.arrive_and_wait();  // the list has been seen
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(work, i);

  std::set<std::pair<unsigned, std::string>> seen;
  for (int round = 0; round < kRounds; ++round) {
    all.arrive_and_wait();
    for (const auto& each : shared->list()) seen.emplace(each.thread, each.path);
    all.arrive_and_wait();
  }
  for (auto& thread : threads) thread.join();

  ASSERT_EQ(seen.size(), std::size_t{kThreads});
  EXPECT_EQ(seen.begin()->first, 0U);
  EXPECT_EQ(seen.rbegin()->first, kThreads - 1U);
}

TEST_F(RunningRequestsTest, DoesNotListWhatMoreThreadsDoThanThereArePlaces) {
  constexpr int kThreads = RunningRequests::kMost + 2;
  std::barrier all{kThreads + 1};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      const Turn turn{&publisher, request("/")};
      all.arrive_and_wait();
      all.arrive_and_wait();
    });
  }

  all.arrive_and_wait();
  EXPECT_EQ(shared->list().size(), RunningRequests::kMost);
  all.arrive_and_wait();
  for (auto& thread : threads) thread.join();

  EXPECT_TRUE(shared->list().empty());
}

TEST_F(RunningRequestsTest, ForgetsWhatAProcessWasAtThatIsGone) {
  shared->places[1].begin(request("/killed"), std::chrono::steady_clock::now());
  shared->used = 2;
  ASSERT_EQ(shared->list().size(), 1U);

  shared->clear();

  EXPECT_TRUE(shared->list().empty());
  shared->used = 2;
  EXPECT_TRUE(shared->list().empty());
}

TEST_F(RunningRequestsTest, ShowsNothingOfAWriterThatDiedAndTheNextOneMendsIt) {
  RunningPlace& place = shared->places[0];
  place.begin(request("/whole"), std::chrono::steady_clock::now());
  auto& version = reinterpret_cast<std::atomic<std::uint64_t>&>(place);
  ++version;  // as in the midst of begin()

  EXPECT_FALSE(place.read(0));

  place.begin(request("/next"), std::chrono::steady_clock::now());
  ASSERT_TRUE(place.read(0));
  EXPECT_EQ(place.read(0)->path, "/next");
}

// Everything in a request says the same number, in as many octets.
struct Uniform {
  explicit Uniform(unsigned number)
      : letters(1 + number % 16, static_cast<char>('a' + number % 16)),
        client{Address::Family::unix_path, 0, letters} {}

  std::string letters;
  Address client;
  [[nodiscard]] Request request() const {
    return {.method = letters, .target = letters, .client = &client};
  }
};

TEST_F(RunningRequestsTest, NeverShowsPartsOfTwoRequests) {
  constexpr int kLooks = 20'000;
  RunningPlace& place = shared->places[0];
  std::atomic<bool> enough{false};
  std::thread writer{[&] {
    const Uniform requests[] = {Uniform{0}, Uniform{3}, Uniform{7}, Uniform{10}, Uniform{15}};
    for (std::size_t i = 0; !enough.load(std::memory_order_relaxed); ++i) {
      const Uniform& next = requests[i % std::size(requests)];
      const std::chrono::nanoseconds began{next.letters.size()};
      place.begin(next.request(), std::chrono::steady_clock::time_point{began});
      if (i % 3 == 0) place.end();
      if (i % 64 == 0) std::this_thread::yield();
    }
  }};

  int seen = 0;
  std::set<std::string> different;
  while (!HasFailure() && (seen < kLooks || different.size() < 3)) {
    const auto listed = place.read(0);
    if (!listed) continue;
    ++seen;
    different.insert(listed->method);
    const auto size = static_cast<std::size_t>(listed->began.time_since_epoch() / 1ns);
    EXPECT_EQ(listed->method, std::string(size, static_cast<char>('a' + size - 1)));
    EXPECT_EQ(listed->path, listed->method);
    EXPECT_EQ(listed->client, "unix:" + listed->method);
  }
  enough = true;
  writer.join();
}

}  // namespace
}  // namespace spawning
