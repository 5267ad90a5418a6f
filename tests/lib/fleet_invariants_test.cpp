// SPDX-License-Identifier: MIT
// What holds for a Fleet whatever happens in which order.
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <utility>

#include "support/fleet_fixture.hpp"

namespace spawning {
namespace {

using namespace action;
using namespace std::chrono_literals;
using test::FleetTest;

// Processes that do as they are told, in an order and at a time that nobody knows.
struct ObedientProcesses {
  enum class State { loading, ready, serving, leaving };

  void carry_out(const Actions& actions) {
    for (const Action& each : actions) {
      if (const auto* spawn = std::get_if<Spawn>(&each)) {
        EXPECT_TRUE(slots.insert(spawn->slot).second);
        workers[spawn->worker] = {State::loading, spawn->slot};
      } else if (const auto* serve = std::get_if<Serve>(&each)) {
        EXPECT_EQ(workers.at(serve->worker).first, State::ready);
        workers.at(serve->worker).first = State::serving;
      } else if (const auto* drain = std::get_if<Drain>(&each)) {
        EXPECT_EQ(workers.at(drain->worker).first, State::serving);
        workers.at(drain->worker).first = State::leaving;
      } else if (const auto* kill = std::get_if<Kill>(&each)) {
        EXPECT_NE(workers.at(kill->worker).first, State::serving);
        workers.at(kill->worker).first = State::leaving;
      }
    }
  }

  // What `worker` does next, if it does something.
  Actions act(WorkerId worker, Fleet& fleet, Fleet::Time now, bool well) {
    auto& [state, slot] = workers.at(worker);
    switch (state) {
      case State::loading:
        if (!well) return fleet.failed(worker, now);
        state = State::ready;
        return fleet.ready(worker, now);
      case State::leaving:
        slots.erase(slot);
        workers.erase(worker);
        return fleet.exited(worker, now);
      case State::serving:
        return fleet.replace(worker, ReplaceReason::overdue, now);
      case State::ready:
        break;
    }
    return {};
  }

  [[nodiscard]] std::size_t serving() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        workers, [](const auto& each) { return each.second.first == State::serving; }));
  }

  std::map<WorkerId, std::pair<State, unsigned>> workers;
  std::set<unsigned> slots;
};

struct FleetInvariantsTest : FleetTest, ::testing::WithParamInterface<unsigned> {
  static FleetConfig with_surge() {
    FleetConfig config = two_workers();
    config.surge = GetParam();
    return config;
  }
};

INSTANTIATE_TEST_SUITE_P(Surges, FleetInvariantsTest, ::testing::Values(0, 1, 2, 3));

TEST_P(FleetInvariantsTest, NeverServesWithFewerOrMoreWorkersThanWantedWhateverIsReplaced) {
  fleet = Fleet{with_surge()};
  std::mt19937 random{20};  // NOLINT(cert-msc51-cpp): the same each time
  const auto one_in = [&random](unsigned chance) { return random() % chance == 0; };
  ObedientProcesses processes;
  processes.carry_out(fleet.start(now));
  processes.carry_out(processes.act(1, fleet, now, true));
  processes.carry_out(processes.act(2, fleet, now, true));

  for (int event = 0; event < 2'000; ++event) {
    const std::size_t before = processes.serving();
    now += std::chrono::milliseconds{random() % 100};
    if (one_in(50)) {
      processes.carry_out(fleet.reload(now));
    } else if (one_in(50)) {
      processes.carry_out(fleet.scale(one_in(2) ? +1 : -1, now));
    } else if (one_in(4)) {
      processes.carry_out(fleet.tick(now));
    } else if (auto each = processes.workers.begin(); !processes.workers.empty()) {
      std::advance(each, random() % processes.workers.size());
      processes.carry_out(processes.act(each->first, fleet, now, !one_in(5)));
    }

    ASSERT_GE(processes.serving(), std::min<std::size_t>(before, fleet.processes())) << event;
    ASSERT_LE(processes.serving(), fleet.processes()) << event;
  }
}

}  // namespace
}  // namespace spawning
