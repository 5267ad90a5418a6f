// SPDX-License-Identifier: MIT
#include "supervise/supervisor_remains.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "spawning/error.hpp"

namespace spawning {
namespace {

using namespace std::chrono_literals;

Fleet written_and_read(const Fleet& fleet, const FleetConfig& config) {
  SupervisorRemains remains;
  remains.fleet = fleet;
  return {config, read_remains(write_remains(remains).text).fleet};
}

// What is wrong with the text; "" if nothing is.
std::string refusal(const std::string& text) {
  try {
    static_cast<void>(read_remains(text));
  } catch (const StartupError& error) {
    return error.what();
  }
  return "";
}

std::string replaced(std::string text, const std::string& old, const std::string& by) {
  const std::size_t at = text.find(old);
  EXPECT_NE(at, std::string::npos) << old;
  return at == std::string::npos ? text : text.replace(at, old.size(), by);
}

// Two Fleets that see the same; one of them is written and read before each event.
struct Twins {
  explicit Twins(FleetConfig c) : config{c} {}

  template <typename Event>
  void see(Event event) {
    read = written_and_read(read, config);
    const Actions expected = event(original);
    ASSERT_EQ(event(read), expected);
    ASSERT_EQ(read.next_deadline(), original.next_deadline());
    ASSERT_EQ(read.processes(), original.processes());
    for (const Action& action : expected) {
      if (const auto* spawn = std::get_if<action::Spawn>(&action)) alive.insert(spawn->worker);
    }
  }

  FleetConfig config;
  Fleet original{config}, read{config};
  std::set<WorkerId> alive;
};

class SupervisorRemainsOfFleetTest : public ::testing::TestWithParam<unsigned> {};

INSTANTIATE_TEST_SUITE_P(Surge, SupervisorRemainsOfFleetTest, ::testing::Values(0U, 1U));

TEST_P(SupervisorRemainsOfFleetTest, LetItGoOnWhateverHappens) {
  std::mt19937 random{42};  // NOLINT(cert-msc51-cpp): the same each time
  FleetConfig config;
  config.processes = 3;
  config.slots = 24;
  config.surge = GetParam();
  config.max_age = 20s;
  config.boot_timeout = 5s;
  Twins twins{config};
  Fleet::Time now{1000s};
  twins.see([&](Fleet& fleet) { return fleet.start(now); });
  for (WorkerId worker : {1U, 2U, 3U})
    twins.see([&](Fleet& fleet) { return fleet.ready(worker, now); });

  for (int event = 0; event < 500 && !HasFatalFailure(); ++event) {
    now += std::chrono::milliseconds{random() % 300};
    auto each = twins.alive.begin();
    if (each != twins.alive.end()) std::advance(each, random() % twins.alive.size());
    const WorkerId worker = each == twins.alive.end() ? 0 : *each;
    const auto kind = random() % 40;
    const int change = random() % 2 == 0 ? +1 : -1;
    twins.see([&](Fleet& fleet) {
      if (kind == 0) return fleet.reload(now);
      if (kind == 1) return fleet.scale(change, now);
      if (kind == 2) return fleet.hung_up(worker, now, event % 2 == 0);
      if (kind == 3) return fleet.failed(worker, now, true);
      if (kind < 6) return fleet.replace(worker, ReplaceReason::memory, now);
      if (kind < 12) return fleet.exited(worker, now);
      if (kind < 25) return fleet.ready(worker, now);
      return fleet.tick(now);
    });
    if (kind >= 6 && kind < 12) twins.alive.erase(worker);
  }

  EXPECT_GT(twins.original.next_deadline(), now);
}

TEST(SupervisorRemainsTest, KeepThePlansAndAReloadThatIsToCome) {
  SupervisorRemains remains;
  remains.plans.begin(0, {"{\"a\":1}", 4});
  remains.plans.begin(3, {"{}", 6});
  remains.reload_asked = "SIGHUP";

  const SupervisorRemains read = read_remains(write_remains(remains).text);

  EXPECT_EQ(read.plans.current().settings, "{\"a\":1}");
  EXPECT_EQ(read.plans.of(3).processes, 6U);
  EXPECT_EQ(read.reload_asked, "SIGHUP");
}

TEST(SupervisorRemainsTest, MayBeFromAProgramWithoutPlans) {
  const std::string text = write_remains({}).text;

  const SupervisorRemains read = read_remains(replaced(text, "\"plans\"", "\"unknown\""));

  EXPECT_TRUE(read.plans.empty());
}

TEST(SupervisorRemainsTest, KeepEverythingThatIsKnownOfAWorker) {
  SupervisorRemains::Worker worker;
  worker.record.description = {3,
                               7,
                               4711,
                               control::Failed{"no", "Traceback", {"/\xFF.py"}},
                               control::Overdue{30s},
                               {1s, 2, Bytes{3}, Bytes{4}},
                               ""};
  worker.record.serves_since = Fleet::Time{5ns};
  worker.record.draining = worker.record.killed = worker.record.leaving = true;
  worker.handle = {4711, {10, "half a line \xC3\n\x01", {11, -1}, {}}, true};
  worker.handle.channel.unsent.push_back({"rest", 2, {12, 13}});
  SupervisorRemains remains;
  remains.serves = true;
  remains.scoreboard = 8;
  remains.listeners = {{5, false, SocketFile::Identity{"/run/\xFF.sock", ~0ULL, 2}}, {6, true, {}}};
  remains.workers[9] = worker;
  remains.reloads.begin(2, "SIGHUP", Reload::WallTime{7s});
  remains.reloads.failed(2, "no", "Traceback", Reload::WallTime{8s});
  remains.restarts.counts = {{"death", 3}};
  remains.restarts.latest = {{Restart::WallTime{9s}, 3, 6, 4700, "death", "exited in /\xFF.py"}};
  remains.status_socket = 7;
  remains.console = {14, false, SocketFile::Identity{"/run/console", 3, 4}};
  remains.pidfile = {9, "/run/\xFF.pid"};
  remains.watched = {{"/a"}, {{"/a", {1, 2, -3, 4}}}, {"/b"}};

  const WrittenRemains written = write_remains(remains);
  std::vector<int> descriptors;
  const SupervisorRemains read = read_remains(written.text, &descriptors);

  EXPECT_EQ(write_remains(read).text, written.text);
  EXPECT_EQ(descriptors, written.descriptors);
  EXPECT_EQ(std::set<int>(descriptors.begin(), descriptors.end()),
            (std::set<int>{5, 6, 7, 8, 9, 10, 11, 12, 13, 14}));
  EXPECT_EQ(read.workers.at(9).handle.channel.input, worker.handle.channel.input);
  EXPECT_EQ(read.workers.at(9).record.description.failure, worker.record.description.failure);
  EXPECT_EQ(read.workers.at(9).record.started, worker.record.started);
  EXPECT_TRUE(read.workers.at(9).record.leaving);
  EXPECT_EQ(read.reloads.count(ReloadVerdict::failed), 1U);
  EXPECT_EQ(read.reloads.last()->traceback, "Traceback");
  EXPECT_EQ(read.restarts.counts.at("death"), 3U);
  EXPECT_EQ(read.restarts.latest.at(0).summary, "exited in /\xFF.py");
  EXPECT_EQ(read.listeners.at(0).file->device, ~0ULL);
  EXPECT_FALSE(read.listeners.at(1).file);
  EXPECT_EQ(read.console.value().file.value().path, "/run/console");
  EXPECT_EQ(read.pidfile->path, "/run/\xFF.pid");
}

TEST(SupervisorRemainsTest, OfAnOlderProgramLackWhatIsNew) {
  const std::string text = write_remains({}).text;

  EXPECT_EQ(refusal(replaced(text, "\"recent_restarts\"", "\"r\"")), "");
}

TEST(SupervisorRemainsTest, OfAnOlderProgramLackWhoLeavesByItself) {
  SupervisorRemains remains;
  remains.workers[7].record.leaving = true;
  const std::string text = write_remains(remains).text;

  EXPECT_TRUE(read_remains(text).workers.at(7).record.leaving);
  EXPECT_FALSE(read_remains(replaced(text, "\"leaving\"", "\"l\"")).workers.at(7).record.leaving);
}

TEST(SupervisorRemainsTest, OfAnOlderProgramLackWhatItDidNotKnow) {
  const std::string text = replaced(write_remains({}).text, ",\"pidfile\":null", "");

  EXPECT_FALSE(read_remains(text).pidfile);
}

TEST(SupervisorRemainsTest, SayWhatIsWrongWithThem) {
  const std::string text = write_remains({}).text;

  EXPECT_EQ(refusal(text), "");
  EXPECT_EQ(refusal(text.substr(1)), "what the supervisor left is not JSON");
  EXPECT_EQ(refusal("[]"), "in what the supervisor left, an object is missing");
  EXPECT_EQ(refusal(replaced(text, "\"scoreboard\"", "\"s\"")),
            "in what the supervisor left, \"scoreboard\" is missing");
  EXPECT_EQ(refusal(replaced(text, "\"workers\":[]", "\"workers\":[7]")),
            "in what the supervisor left, \"workers\" is not what was expected");
  EXPECT_EQ(refusal(replaced(text, "\"pid\":0", "\"pid\":99999999999")),
            "in what the supervisor left, \"pid\" is not what was expected");
  EXPECT_EQ(refusal(replaced(text, "\"version\":1", "\"version\":2")),
            "the supervisor writes version 2 of what it leaves; expected at most 1");
}

TEST(SupervisorRemainsTest, OfAFleetThatContradictsItselfAreRefused) {
  Fleet fleet{{}};
  static_cast<void>(fleet.start(Fleet::Time{1s}));
  SupervisorRemains remains;
  remains.fleet = fleet;
  const std::string text = write_remains(remains).text;
  const auto thaw = [](const std::string& changed) {
    return Fleet{{}, read_remains(changed).fleet};
  };

  EXPECT_NO_THROW(thaw(text));
  EXPECT_THROW(thaw(replaced(text, "\"slot\":0", "\"slot\":2048")), std::invalid_argument);
  EXPECT_THROW(thaw(replaced(text, "\"slot\":0", "\"slot\":1")), std::invalid_argument);
  EXPECT_THROW(thaw(replaced(text, "\"member\":1", "\"member\":5")), std::invalid_argument);
}

}  // namespace
}  // namespace spawning
